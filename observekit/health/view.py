"""How an answer is written: a word for everybody, names and details for those who may know them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from observekit.asgi import Response
from observekit.health.check import Check, Result
from observekit.health.state import Verdict
from observekit.health.tasks import StartupTask
from observekit.redaction import redact_text

_HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
# Another instance answers a second later.
_RETRY: Final = (b"retry-after", b"1")
_AWAY: Final = frozenset({"draining", "maintenance"})
# Source: the Internet draft api-health-check of I. Nadareishvili, version 06.
JSON_TYPE: Final = b"application/health+json"
_MOST_CHARACTERS: Final = 500


def as_text(verdict: Verdict, *, verbose: bool) -> Response:
    """Write the word, and before it what led to it where that is wanted."""
    lines = "".join(f"{line}\n" for line in _lines(verdict)) if verbose else ""
    return _response(verdict, f"{lines}{verdict.word}\n".encode(), b"text/plain; charset=utf-8")


def as_json(verdict: Verdict, version: str | None, *, verbose: bool) -> Response:
    """Write the structured form; *verbose* says whether the caller may see names."""
    told: dict[str, Any] = {"status": _status(verdict)}
    if not verdict.is_ok:
        told["output"] = verdict.word
    if verbose:
        told |= {} if version is None else {"releaseId": version}
        told["checks"] = {
            **{check.name: [_check(check, result)] for check, result in verdict.answer.results},
            **{task.name: [_task(task)] for task in verdict.tasks},
        }
        told["notes"] = [*_notes(verdict)]
    return _response(verdict, json.dumps(told).encode() + b"\n", JSON_TYPE)


def _response(verdict: Verdict, body: bytes, kind: bytes) -> Response:
    headers = (*_HEADERS, _RETRY) if verdict.word in _AWAY else _HEADERS
    return Response(200 if verdict.is_ok else 503, body, kind, headers)


def _lines(verdict: Verdict) -> Iterator[str]:
    for check, result in verdict.answer.results:
        sign = "+" if result.status == "ok" else "-"
        milliseconds = result.seconds * 1000
        yield f"[{sign}] {check.name} {result.status} ({check.criticality}, {milliseconds:.0f} ms)"
    for task in verdict.tasks:
        yield f"[{'+' if task.state == 'done' else '-'}] {task.name} {task.state} ({_progress(task)})"
    yield from _notes(verdict)


def _notes(verdict: Verdict) -> Iterator[str]:
    if verdict.note:
        yield verdict.note
    for name in verdict.left_out:
        yield f"{name} was left out"
    for name in verdict.unknown:
        # As a caller wrote it, so it is shown as what it is and no more.
        yield f"warning: no check is called {name[:64]!r} here, so that nothing was left out for it"


def _progress(task: StartupTask) -> str:
    steps = "" if task.total is None else f"{task.done:g} of {task.total:g}, "
    return f"{steps}{task.seconds * 1000:.0f} ms"


def _status(verdict: Verdict) -> str:
    if not verdict.is_ok:
        return "fail"
    return "pass" if all(_passes(check, result) for check, result in verdict.answer.results) else "warn"


def _passes(check: Check, result: Result) -> bool:
    return result.status == "ok" or check.criticality == "info"


def _check(check: Check, result: Result) -> dict[str, Any]:
    word = "fail" if check.criticality == "required" else "warn"
    told: dict[str, Any] = {
        "status": "pass" if result.status == "ok" else word,
        "result": result.status,
        "criticality": check.criticality,
        "observedValue": round(result.seconds, 6),
        "observedUnit": "s",
    }
    if result.at:
        told["time"] = datetime.fromtimestamp(result.at, UTC).isoformat()
    if result.error is not None:
        told["output"] = f"{type(result.error).__name__}: {redact_text(_text_of(result.error))}"
    return told


def _task(task: StartupTask) -> dict[str, Any]:
    words = {"running": "warn", "done": "pass", "failed": "fail"}
    steps = {} if task.total is None else {"observedValue": task.done, "observedUnit": f"of {task.total:g}"}
    return {"status": words[task.state], "result": task.state, **steps}


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:_MOST_CHARACTERS]
    except Exception as failure:  # noqa: BLE001 -- __str__ is the user's code
        return f"<cannot be shown, {type(failure).__name__}>"
