"""A file that cannot be read is named, with what is wrong with it."""

from pathlib import Path

import pytest

from observekit.cli import main
from observekit.cli.reading import documents


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("slo.json", b"{", "is no JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        ("slo.yaml", b"a: [", "is no YAML: while parsing a flow node"),
        ("slo.yaml", b"\xff\xfe\xff", "cannot be read: it is not UTF-8."),
        ("slo.yaml", None, "cannot be read: No such file or directory."),
    ],
)
def test_a_file_of_objectives_that_cannot_be_read_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, told: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)

    code = main(["rules", "--out", str(tmp_path / "out"), "--slo", str(file)])

    assert code == 2
    assert f"observekit: {file} {told}" in capsys.readouterr().err


def test_one_document_of_json_is_a_list_of_one_and_empty_ones_of_yaml_are_none(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"a": 1}')
    (tmp_path / "many.json").write_text('[{"a": 1}, 2]')
    (tmp_path / "many.yaml").write_text("---\n---\na: 1\n")

    read = [documents(tmp_path / name) for name in ("one.json", "many.json", "many.yaml")]

    assert read == [[{"a": 1}], [{"a": 1}, 2], [{"a": 1}]]
