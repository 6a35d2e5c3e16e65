"""A plugin of pytest that names the subject, and writes down what came of each case."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

_WORDS = {"passed": "✓", "failed": "✗", "skipped": "n/a"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--subject", help="name of a subject of tests/conformance/peers.py")
    parser.addoption("--record", type=Path, help="file to write the results to, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    record: Path | None = config.getoption("record")
    if record is not None:
        config.pluginmanager.register(_Recorder(record))


class _Recorder:
    """Keeps the results until the session ends."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._results: list[tuple[str, str, str, str]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "call" or not report.passed:
            said = "" if call.excinfo is None or report.skipped else call.excinfo.exconly(tryshort=True)
            chapter = str(getattr(item, "module").__doc__).partition("\n")[0]  # noqa: B009 -- of a function only
            case = getattr(item, "originalname", item.name)
            self._results.append((chapter, case, _WORDS[report.outcome], said))
        return report

    def pytest_sessionfinish(self) -> None:
        self._record.write_text(json.dumps(self._results))
