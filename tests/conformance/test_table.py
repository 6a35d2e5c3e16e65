"""The table that is read is that of the cases that there are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from .figures import figures
from .table import OURS_ALONE

HERE = Path(__file__).parent
TABLE = (HERE / "TABLE.md").read_text()


def cases() -> Iterator[tuple[str, str]]:
    """Yield chapter and case of each test that takes any subject."""
    for file in HERE.glob("test_*.py"):
        if file.name not in OURS_ALONE:
            module = ast.parse(file.read_text())
            chapter = str(ast.get_docstring(module)).partition("\n")[0]
            for one in module.body:
                if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"):
                    yield chapter, one.name.removeprefix("test_").replace("_", " ")


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield chapter and case of each row, and what is said of observekit."""
    for chapter in TABLE.split("\n## ")[1:]:
        title = chapter.partition("\n")[0]
        for case, told in re.findall(r"^\| ([^|]+) \| ([✓✗n][^|]*) \|", chapter, re.MULTILINE):
            yield title, case, told


def test_each_case_has_a_row_in_its_chapter_and_each_row_a_case() -> None:
    assert {(chapter, case) for chapter, case, _ in rows()} == set(cases())


def test_no_row_says_that_observekit_fails() -> None:
    assert {told for *_, told in rows()} == {"✓"}


def test_the_count_at_the_top_is_that_of_the_rows() -> None:
    count = len(list(rows()))

    assert f"| cases right, of those claimed | **{count} of {count}** |" in TABLE


def test_the_figures_are_those_that_the_tests_hold() -> None:
    assert figures() in TABLE
