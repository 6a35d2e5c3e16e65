"""The other forms of a probe: some checks left out, one check alone, JSON; and who may see what."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.ops.conftest import Observed

Make = Callable[..., "Observed"]
STRANGER = ("203.0.113.9", 1)
JSON = ((b"accept", b"text/html, application/health+json;q=0.9"),)
TOKEN = (b"authorization", b"Bearer secret")
CANARY = "postgresql://admin:hunter2@db.internal/orders"


@pytest.fixture
def checked(observe: Make) -> "Observed":
    """A service whose database is down, with what else it looks at."""

    def down() -> None:
        raise ConnectionError(f"cannot reach {CANARY}")

    patience = {"check_cache_seconds": 3600, "check_timeout_seconds": 30, "probe_timeout_seconds": 30}
    observed = observe(metrics_token="secret", service_version="1.2", **patience)  # noqa: S106 -- it is one
    observed.kit.readiness("db")(down)
    observed.kit.readiness("cache", criticality="degraded")(lambda: False)
    observed.kit.readiness("disk")(lambda: True)
    return observed


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        (b"exclude=db", 200, "ok\n"),
        (b"exclude=db&exclude=disk&exclude=cache", 200, "ok\n"),
        (b"exclude=disk,db", 200, "ok\n"),
        (b"exclude=%64b", 200, "ok\n"),
        (b"exclude=disk", 503, "failed\n"),
        (b"exclude=", 503, "failed\n"),
        (b"exclude=nosuch", 503, "failed\n"),
        (b"&".join([b"exclude=x"] * 100) + b"&exclude=db", 503, "failed\n"),
    ],
)
@pytest.mark.parametrize("client", [STRANGER, ("127.0.0.1", 1)])
def test_what_is_left_out_is_not_asked_whoever_says_so(
    checked: "Observed", query: bytes, status: int, told: str, client: tuple[str, int]
) -> None:
    answer = checked.client.get("/readyz", query=query, client=client)

    assert (answer.status, answer.text) == (status, told)


def test_who_may_see_names_is_told_what_was_left_out_and_what_was_not_there(checked: "Observed") -> None:
    query = b"verbose&exclude=db&exclude=nosuch&exclude=%0d%0ax"

    known = checked.client.get("/readyz", query=query)
    stranger = checked.client.get("/readyz", query=query, client=STRANGER)

    assert re.sub(r"\d+ ms", "n ms", known.text) == (
        "[-] cache failed (degraded, n ms)\n"
        "[+] disk ok (required, n ms)\n"
        "db was left out\n"
        "warning: no check is called '\\r\\nx' here, so that nothing was left out for it\n"
        "warning: no check is called 'nosuch' here, so that nothing was left out for it\n"
        "ok\n"
    )
    assert (stranger.status, stranger.text) == (200, "ok\n")


def test_leaving_everything_out_does_not_make_a_process_ready_that_is_not(checked: "Observed") -> None:
    checked.kit.lifecycle.begin_startup()
    query = b"exclude=db&exclude=cache&exclude=disk"
    told = [checked.client.get("/readyz", query=query).text]

    checked.kit.lifecycle.finish_startup("application has started")
    told.append(checked.client.get("/readyz", query=query).text)
    checked.kit.lifecycle.drain()
    told.append(checked.client.get("/readyz", query=query).text)

    assert told == ["starting\n", "ok\n", "draining\n"]


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/readyz/db", 503, "failed\n"),
        ("/readyz/cache", 503, "failed\n"),
        ("/readyz/disk", 200, "ok\n"),
        ("/livez/disk", 200, "hello"),
        ("/readyz/nosuch", 200, "hello"),
    ],
)
def test_one_check_answers_for_itself_and_other_paths_are_the_applications(
    checked: "Observed", path: str, status: int, told: str
) -> None:
    answer = checked.client.get(path)

    assert (answer.status, answer.text) == (status, told)


def test_a_stranger_does_not_learn_that_there_is_a_check(checked: "Observed") -> None:
    told = [
        checked.client.get("/readyz/db", client=STRANGER),
        checked.client.get("/readyz/db", client=STRANGER, headers=(TOKEN,)),
        checked.client.get("/readyz/db", headers=((b"x-forwarded-for", b"203.0.113.9"),)),
    ]

    assert [(answer.status, answer.text) for answer in told] == [
        (404, "not found\n"),
        (503, "failed\n"),
        (404, "not found\n"),
    ]


def test_the_path_of_a_check_moves_with_its_probe(observe: Make) -> None:
    observed = observe(readiness_path="/internal/ready", liveness_path=None)
    observed.kit.readiness("db")(lambda: True)
    observed.kit.liveness("self")(lambda: True)

    told = [observed.client.get(path).text for path in ("/internal/ready/db", "/readyz/db", "/livez/self")]

    assert told == ["ok\n", "hello", "hello"]


def structured(checked: "Observed", path: str = "/readyz", **more: Any) -> tuple[int, str, Any]:
    answer = checked.client.get(path, **{"headers": JSON, **more})
    return answer.status, answer.headers["content-type"], json.loads(answer.body)


def test_a_stranger_gets_a_status_and_a_word_in_json_too(checked: "Observed") -> None:
    assert structured(checked, client=STRANGER) == (
        503,
        "application/health+json",
        {"status": "fail", "output": "failed"},
    )


def test_who_may_know_gets_each_check_with_what_it_said_and_without_its_secrets(checked: "Observed") -> None:
    status, _, told = structured(checked, client=STRANGER, headers=(*JSON, TOKEN))

    checks = {name: one for name, [one] in told["checks"].items()}
    shown = [
        {key: value for key, value in one.items() if key not in {"time", "observedValue"}}
        for one in checks.values()
    ]
    assert (status, told["status"], told["releaseId"], list(checks)) == (
        503,
        "fail",
        "1.2",
        ["db", "cache", "disk"],
    )
    assert shown == [
        {
            "status": "fail",
            "result": "failed",
            "criticality": "required",
            "observedUnit": "s",
            "output": checks["db"]["output"],
        },
        {"status": "warn", "result": "failed", "criticality": "degraded", "observedUnit": "s"},
        {"status": "pass", "result": "ok", "criticality": "required", "observedUnit": "s"},
    ]
    assert checks["db"]["output"].startswith("ConnectionError: cannot reach postgresql://")
    assert "hunter2" not in json.dumps(told)


@pytest.mark.parametrize(("query", "word"), [(b"exclude=db", "warn"), (b"exclude=db&exclude=cache", "pass")])
def test_what_only_shows_is_a_warning(checked: "Observed", query: bytes, word: str) -> None:
    status, _, told = structured(checked, query=query)

    assert (status, told["status"]) == (200, word)


@pytest.mark.parametrize(
    "accept", [b"*/*", b"application/json", b"application/health+json; q=0", b"\xff", b"application/*"]
)
def test_who_does_not_name_the_structured_form_gets_text(checked: "Observed", accept: bytes) -> None:
    answer = checked.client.get("/livez", headers=((b"accept", accept),))

    assert (answer.headers["content-type"], answer.text) == ("text/plain; charset=utf-8", "ok\n")


def test_tasks_keep_start_up_and_readiness_from_being_over_and_show_how_far_they_are(observe: Make) -> None:
    observed = observe()
    observed.client.get("/")
    with observed.kit.lifecycle.startup_task("model", total=4) as task:
        task.advance(3)
        during = [observed.client.get(path, query=b"verbose") for path in ("/startupz", "/readyz", "/livez")]
        _, _, told = structured(observed, "/startupz")
    after = [observed.client.get(path) for path in ("/startupz", "/readyz", "/livez")]

    assert [(one.status, re.sub(r"\d+ ms", "n ms", one.text)) for one in during] == [
        (503, "[-] model running (3 of 4, n ms)\nstarting\n"),
        (503, "[-] model running (3 of 4, n ms)\nstarting\n"),
        (200, "ok\n"),
    ]
    assert told["checks"]["model"] == [
        {"status": "warn", "result": "running", "observedValue": 3.0, "observedUnit": "of 4"}
    ]
    assert [one.status for one in after] == [200, 200, 200]


def test_maintenance_takes_the_instance_out_of_traffic_and_lets_it_back_in(
    observe: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    observed = observe(logs="own", log_format="json")
    observed.client.get("/")
    told = []
    for on in (True, False):
        observed.kit.lifecycle.maintenance(on, "index is rebuilt")
        told.append([observed.client.get(path) for path in ("/readyz", "/livez", "/startupz", "/")])
        told[-1].append(observed.client.get("/metrics"))
    observed.kit.shutdown()

    assert [[one.status for one in answers] for answers in told] == [[503, 200, 200, 200, 200], [200] * 5]
    assert [answers[0].text for answers in told] == ["maintenance\n", "ok\n"]
    assert told[0][0].headers["retry-after"] == "1"
    assert ["observekit_maintenance 1.0" in answers[4].text for answers in told] == [True, False]
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [
        (line["on"], line["cause"]) for line in lines if line["event"] == "lifecycle.maintenance_changed"
    ] == [(True, "index is rebuilt"), (False, "index is rebuilt")]


@pytest.mark.parametrize("path", ["/startupz", "/readyz"])
def test_who_leaves_a_startup_check_out_ends_the_start_for_nobody_else(observe: Make, path: str) -> None:
    observed = observe()
    observed.kit.startup("warm")(lambda: False)

    left_out = observed.client.get(path, query=b"exclude=warm", client=STRANGER)
    after = [observed.client.get(one).status for one in ("/startupz", "/readyz")]

    assert left_out.status == 200
    assert after == [503, 503]
