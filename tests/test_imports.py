"""What importing observekit costs: names, not milliseconds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import observekit
from observekit import checks

_HEAVY = {
    *("prometheus_client", "structlog", "opentelemetry", "orjson"),
    *("starlette", "fastapi", "httpx", "uvicorn"),
}
_PROBE = """
import json, sys, threading
events, before = [], set(sys.modules)
sys.addaudithook(lambda name, _: events.append(name))
{statement}
tops = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})
foreign = [top for top in tops if top not in sys.stdlib_module_names and not top.startswith("_")]
noisy = sorted({{name for name in events if name.startswith(("socket.", "subprocess.", "os.fork"))}})
print(json.dumps({{"tops": tops, "foreign": foreign, "noisy": noisy, "threads": threading.active_count()}}))
"""


def _after(statement: str) -> dict[str, Any]:
    home = {"PYTHONPATH": str(Path(observekit.__file__).parents[1])}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-c", _PROBE.format(statement=statement)],
        env=kept | home,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize(
    "statement",
    [
        "import observekit",
        "from observekit import Config; Config()",
        "from observekit.config import load; load({'OTEL_PROPAGATORS': 'b3'})",
        "import observekit.catalogue",
        "import observekit; dir(observekit)",
    ],
)
def test_nothing_but_the_standard_library_is_loaded(statement: str) -> None:
    found = _after(statement)

    assert _HEAVY & set(found["tops"]) == set()
    assert found["foreign"] == ["observekit"]


@pytest.mark.parametrize("statement", ["import observekit", "from observekit import Config; Config()"])
def test_importing_opens_no_socket_and_starts_no_thread_or_process(statement: str) -> None:
    found = _after(statement)

    assert (found["noisy"], found["threads"]) == ([], 1)


def test_the_commands_that_only_print_load_no_telemetry_library() -> None:
    found = _after("from observekit.cli import check, catalogue; check.report({}, form='json')")

    assert _HEAVY & set(found["tops"]) == set()


def test_the_public_names_are_these() -> None:
    names = [
        "Config",
        "Kit",
        "ObserveMiddleware",
        "annotate",
        "get_logger",
        "instrument",
        "operation",
        "setup",
    ]

    assert observekit.__all__ == names
    assert set(names) <= set(dir(observekit))
    assert {name: hasattr(observekit, name) for name in names} == dict.fromkeys(names, True)


def test_the_ready_made_checks_are_these_and_their_names_load_no_library() -> None:
    names = [
        *("certificate_expiry", "disk_space", "dns", "event_loop", "http_upstream", "kafka", "memory"),
        *(
            "migrations",
            "nats",
            "postgres",
            "rabbitmq",
            "redis",
            "smtp",
            "sqlalchemy",
            "telemetry",
            "writable",
        ),
    ]

    found = _after("from observekit import checks; [getattr(checks, name) for name in checks.__all__]")

    assert checks.__all__ == names
    assert set(names) <= set(dir(checks))
    assert set(found["foreign"]) == {"observekit"}


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError) as told:
        observekit.Xyzzy  # noqa: B018 -- the access is what is tested

    assert str(told.value) == "module 'observekit' has no attribute 'Xyzzy'"
