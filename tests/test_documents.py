"""The documents say what the code says."""

from pathlib import Path

import pytest

from observekit.cli.documents import fill

_ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("document", "section"), [("docs/metrics.md", "metrics"), ("docs/configuration.md", "settings")]
)
def test_the_tables_in_a_document_are_the_generated_ones(document: str, section: str) -> None:
    text = (_ROOT / document).read_text(encoding="utf-8")

    assert text == fill(text), f"fill it with: observekit catalogue --format markdown --section {section}"
    assert text.count(f"<!-- {section}:begin -->\n") == 1
    assert text.count(f"\n<!-- {section}:end -->") == 1
