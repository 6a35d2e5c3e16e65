"""The endpoints that change something: who may ask for what, and what an answer says of it."""

import asyncio
import json
from typing import Any

import pytest

from observekit.guard import Guard
from observekit.ops.levels import Actions as LevelActions
from observekit.ops.levels import levels
from observekit.ops.management import Actions, Words, management
from tests.ops.conftest import Answer, Client

BROWSER = ((b"origin", b"https://page.test"), (b"x-observekit", b"1"))
MEANT = ((b"x-observekit", b"1"),)


class Service:
    """What is done for those who ask, and what was."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done: list[tuple[str, Words]] = []
        self.error = error
        self.guard = Guard(("ops",))
        paths = {
            **management(
                Actions(self.report_later, *map(self._doing, ("drain", "resume", "flush"))), _may, self.guard
            ),
            **levels(LevelActions(self.report, *map(self._doing, ("change", "undo"))), _may, self.guard),
        }

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await paths[scope["path"]](scope, receive, send)

        self._client = Client(app)

    def report(self) -> dict[str, Any]:
        return {"pid": 7}

    async def report_later(self) -> dict[str, Any]:
        return self.report()

    def _doing(self, name: str) -> Any:
        async def act(words: Words) -> bool:
            if self.error is not None:
                raise self.error
            self.done.append((name, words))
            return "late" not in words

        return act

    def ask(self, method: str, target: str, headers: Any = MEANT, client: str = "127.0.0.1") -> Answer:
        path, _, query = target.partition("?")
        asked = self._client.ask(path, method, query.encode(), (client, 4711), headers)
        return asyncio.run(asked, debug=True)


def _may(scope: Any) -> bool:
    return bool(scope["client"][0] == "127.0.0.1")


@pytest.mark.parametrize(
    ("method", "target", "done"),
    [
        ("GET", "/drain", []),
        ("HEAD", "/levels", []),
        ("POST", "/drain?cause=a%20b&final", [("drain", {"cause": "a b", "final": ""})]),
        ("POST", "/drain?flush", [("flush", {"flush": ""})]),
        ("DELETE", "/drain", [("resume", {})]),
        ("POST", "/levels?logger=shop&level=debug", [("change", {"logger": "shop", "level": "debug"})]),
        ("DELETE", "/levels?logger=shop", [("undo", {"logger": "shop"})]),
    ],
)
def test_what_is_asked_for_is_done_and_the_answer_says_how_it_is_then(
    method: str, target: str, done: list[tuple[str, Words]]
) -> None:
    service = Service()

    answer = service.ask(method, target)

    assert (answer.status, answer.headers["cache-control"], service.done) == (200, "no-store", done)
    assert method == "HEAD" or json.loads(answer.body) == {"pid": 7}


@pytest.mark.parametrize("path", ["/drain", "/levels"])
def test_what_could_not_be_undone_is_a_conflict(path: str) -> None:
    assert Service().ask("DELETE", f"{path}?late").status == 409


@pytest.mark.parametrize("path", ["/drain", "/levels"])
@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (403, {"method": "POST", "headers": BROWSER}),
        (403, {"method": "POST", "client": "203.0.113.7"}),
        (405, {"method": "PUT"}),
    ],
    ids=["a page in a browser", "a stranger", "another method"],
)
def test_who_may_not_changes_nothing(path: str, status: int, asked: dict[str, Any]) -> None:
    service = Service()

    answer = service.ask(target=path, **asked)

    assert (answer.status, service.done) == (status, [])


def test_a_level_is_changed_by_nobody_who_does_not_say_that_he_means_it() -> None:
    service = Service()

    told = [service.ask(method, "/levels?logger=shop", ()).status for method in ("POST", "DELETE", "GET")]

    assert (told, service.done) == ([403, 403, 200], [])


def test_a_level_that_makes_no_sense_is_refused_with_the_reason() -> None:
    answer = Service(ValueError("the level must be one of five")).ask("POST", "/levels?level=loud")

    assert (answer.status, json.loads(answer.body)) == (400, {"problem": "the level must be one of five"})


@pytest.mark.parametrize("path", ["/drain", "/levels"])
def test_what_fails_within_is_counted_and_answered(path: str) -> None:
    service = Service(RuntimeError("no thread"))

    answer = service.ask("POST", path)

    assert (answer.status, answer.text) == (500, "observekit failed, see its log\n")
    assert service.guard.failures["ops"] == 1
