"""However a process ends, forks or is interrupted, it does not hang, and its lines are written."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[[str], Any]


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise RuntimeError('uncaught')", 1),
        ("signal.raise_signal(signal.SIGINT)", -2),
        ("threading.Thread(target=lambda: stdlib.info('from.thread') or sys.exit(1)).start()", 0),
        ("import atexit; atexit.register(log.info, 'at.exit')", 0),
    ],
    ids=["end of main", "sys.exit", "uncaught exception", "interrupt", "thread", "atexit"],
)
def test_the_last_lines_are_written(run_script: Run, ending: str, code: int) -> None:
    ended = run_script(f"for number in range(1000): log.info('last', number=number)\n{ending}")

    numbers = [line["number"] for line in ended.lines if line["event"] == "last"]
    assert (numbers, ended.code) == (list(range(1000)), code)
    assert "observekit" not in ended.errors


def test_a_signal_that_ends_a_process_at_once_costs_what_waits_and_one_that_is_handled_costs_nothing(
    run_script: Run,
) -> None:
    at_once = run_script("log.info('last')\nsignal.raise_signal(signal.SIGTERM)")
    handled = run_script(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "for number in range(1000): log.info('last')\n"
        "signal.raise_signal(signal.SIGTERM)"
    )

    assert (at_once.code, {*at_once.events} <= {"last"}) == (-signal.SIGTERM, True)
    assert (handled.code, handled.events) == (0, ["last"] * 1000)


def test_lines_that_come_after_everything_was_given_back_are_written(run_script: Run) -> None:
    ended = run_script(
        "import atexit\n"
        "class Last:\n"
        "    def __del__(self): log.info('deleted')\n"
        "log.info('first')\n"
        "last = Last()\n"
        "kit.shutdown()\n"
        "log.info('after')\n"
    )

    assert ended.events == ["first", "after", "deleted"]


def test_what_is_said_of_keys_holds_for_the_last_words_of_a_process(run_script: Run) -> None:
    ended = run_script(
        "kit.shutdown()\n"
        "kit = setup(log_format='json', traces=False, redaction_keys=('iban',), redaction_allow=('token',))\n"
        "log.info('first')\n"
        "kit.shutdown()\n"
        "log.info('after', iban='DE02', token='t')\n"
        "kit = setup(log_format='json', traces=False)\n"
        "log.info('anew', iban='DE02', token='t')\n"
    )

    shown = {one["event"]: (one["iban"], one["token"]) for one in ended.lines if "iban" in one}
    assert shown == {"after": ("[redacted]", "t"), "anew": ("DE02", "[redacted]")}


@pytest.mark.once
def test_what_is_a_secret_now_is_none_of_what_was_plain_before(run_script: Run) -> None:
    ended = run_script(
        "from observekit import annotate, operation\n"
        "log.info('plain', iban='DE02')\n"
        "kit.shutdown()\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "kit = setup(traces=False, logs='correlate', redaction_keys=('iban',))\n"
        "with operation('pay'): annotate(iban='DE02')\n"
    )

    assert [one["iban"] for one in ended.lines if one["event"] == "plain"] == ["DE02"]
    assert ("iban=[redacted]" in ended.errors, "DE02" in ended.errors) == (True, False)


def test_logging_in_a_signal_handler_while_logging_neither_hangs_nor_loses_a_line(run_script: Run) -> None:
    ended = run_script(
        "handled = 0\n"
        "def handle(*_):\n"
        "    global handled\n"
        "    handled += 1\n"
        "    log.info('handled'); stdlib.info('handled')\n"
        "signal.signal(signal.SIGALRM, handle)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
        "for number in range(5000): log.info('normal'); stdlib.info('normal')\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "log.info('counted', handled=handled)\n"
    )

    (handled,) = (line["handled"] for line in ended.lines if line["event"] == "counted")
    assert handled > 0
    assert ended.events.count("normal") == 10_000
    assert ended.events.count("handled") == 2 * handled


def test_logging_in_a_finaliser_while_logging_neither_hangs_nor_loses_a_line(run_script: Run) -> None:
    ended = run_script(
        "import gc; gc.set_threshold(50)\n"
        "class Cycle:\n"
        "    made = 0\n"
        "    def __init__(self): self.me = self; Cycle.made += 1\n"
        "    def __del__(self): log.info('deleted'); stdlib.info('deleted')\n"
        "for number in range(2000): Cycle(); log.info('normal')\n"
        "gc.collect()\n"
        "log.info('counted', made=Cycle.made)\n"
    )

    assert (ended.events.count("normal"), ended.events.count("deleted")) == (2000, 4000)


def test_logging_in_the_text_of_a_value_neither_hangs_nor_loses_a_line(run_script: Run) -> None:
    ended = run_script(
        "class Chatty:\n"
        "    def __repr__(self): log.info('inner'); stdlib.info('inner'); return 'chatty'\n"
        "    __str__ = __repr__\n"
        "log.info('outer', value=Chatty()); stdlib.info('%s', Chatty())\n"
    )

    assert sorted(ended.events) == ["chatty", "inner", "inner", "inner", "inner", "outer"]


def test_a_forked_child_writes_its_own_lines_and_none_of_its_parents(run_script: Run) -> None:
    ended = run_script(
        "for number in range(2000): log.info('parent', number=number)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    log.info('child'); stdlib.info('child')\n"
        "    sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "log.info('parent', number=2000)\n"
    )

    assert (ended.events.count("parent"), ended.events.count("child")) == (2001, 2)


def test_children_forked_while_threads_log_do_not_hang(run_script: Run) -> None:
    ended = run_script(
        "stop = False\n"
        "def chat():\n"
        "    while not stop: log.info('parent')\n"
        "threads = [threading.Thread(target=chat) for _ in range(2)]\n"
        "for thread in threads: thread.start()\n"
        "for _ in range(8):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        log.info('child'); kit.shutdown(); os._exit(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "stop = True\n"
    )

    assert (ended.events.count("child"), ended.code) == (8, 0)


def test_daemon_threads_may_log_until_the_end(run_script: Run) -> None:
    ended = run_script(
        # They are never done, so that the end takes all of its time.
        "kit.shutdown()\n"
        "kit = setup(log_format='json', traces=False, shutdown_budget_seconds=0.5)\n"
        "log = structlog.get_logger('script')\n"
        "from queue import SimpleQueue\n"
        "logged = SimpleQueue()\n"
        "def chat():\n"
        "    while True: logged.put((log.info('daemon'), stdlib.info('daemon')))\n"
        "for _ in range(2): threading.Thread(target=chat, daemon=True).start()\n"
        "class Last:\n"
        "    def __del__(self): log.info('deleted')\n"
        "last = Last()\n"
        "for _ in range(100): logged.get()\n"
    )

    assert (ended.code, ended.errors) == (0, "")
    assert ended.events.count("daemon") >= 200


def test_lines_are_written_where_no_thread_can_be_started(run_script: Run) -> None:
    ended = run_script(
        "kit.shutdown()\n"
        "threading.stack_size(1 << 46)\n"
        "kit = setup(log_format='json', traces=False)\n"
        "log = structlog.get_logger('script')\n"
        "for number in range(100): log.info('threadless')\n"
        "name, reason = 'observekit_log_records_dropped_total', {'reason': 'write_failed'}\n"
        "assert kit.registry.get_sample_value(name, reason) == 0\n"
        "os._exit(0)\n"
    )

    assert (ended.events.count("threadless"), ended.code) == (100, 0)


def test_a_call_at_the_end_of_the_stack_does_not_raise_by_itself(run_script: Run) -> None:
    ended = run_script(
        "def down(levels):\n"
        "    try: return down(levels + 1)\n"
        "    except RecursionError:\n"
        "        return log.info('bottom') or stdlib.info('bottom') or 'survived'\n"
        "log.info('done', result=down(0))\n"
    )

    assert ended.events[-1] == "done"
