"""The ways from the service board to logs and traces, as Grafana takes them."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

_FILE = Path(__file__).parents[2] / "grafana" / "dashboards" / "observekit-service.json"
_BOARD = json.loads(_FILE.read_text(encoding="utf-8"))
_LINKS = {link["title"]: link for link in _BOARD["links"] if link["type"] == "link"}
_CHOSEN = {
    "service:pipe": "orders.eu|shop",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "loki_datasource": "uid-of-loki",
    "tempo_datasource": "uid-of-tempo",
    "__from": "1700000000000",
    "__to": "1700003600000",
}


def _opened(title: str) -> dict[str, Any]:
    """Return the pane that opens, with variables put in as Grafana does, before the address is read."""
    address = re.sub(r"\${([^}]+)}", lambda found: _CHOSEN[found[1]], _LINKS[title]["url"])
    asked = parse_qs(urlsplit(address).query)
    assert (urlsplit(address).path, asked["schemaVersion"]) == ("/explore", ["1"])
    (pane,) = json.loads(asked["panes"][0]).values()
    assert pane["range"] == {"from": "1700000000000", "to": "1700003600000"}
    found: dict[str, Any] = pane
    return found


@pytest.mark.parametrize(
    ("title", "kind", "query"),
    [
        (
            "Errors in the logs",
            "loki",
            {
                "expr": '{service_name=~"orders.eu|shop"} | json | level=~"error|critical"',
                "queryType": "range",
            },
        ),
        (
            "Failed traces",
            "tempo",
            {"query": '{resource.service.name=~"orders.eu|shop" && status=error}', "queryType": "traceql"},
        ),
        (
            "Log lines of the trace",
            "loki",
            {"expr": f'{{service_name=~".+"}} |= "{_CHOSEN["trace_id"]}"', "queryType": "range"},
        ),
        ("The trace", "tempo", {"query": _CHOSEN["trace_id"], "queryType": "traceql"}),
    ],
)
def test_a_link_asks_the_source_that_was_chosen(title: str, kind: str, query: dict[str, str]) -> None:
    pane = _opened(title)
    source = {"type": kind, "uid": f"uid-of-{kind}"}

    assert pane["datasource"] == source["uid"]
    assert pane["queries"] == [{"datasource": source, "refId": "A", **query}]


def test_every_variable_of_a_link_is_on_the_board() -> None:
    named = {name for link in _LINKS.values() for name in re.findall(r"\${(\w+)", link["url"])}
    there = {variable["name"] for variable in _BOARD["templating"]["list"]}

    assert {name for name in named if not name.startswith("__")} <= there


def test_services_are_looked_for_by_their_own_names_which_follow_the_jobs_that_were_chosen() -> None:
    (service,) = [each for each in _BOARD["templating"]["list"] if each["name"] == "service"]

    assert service["query"]["query"] == 'label_values(target_info{job=~"$job"}, service_name)'
    # All is every name that was found, and no pattern for any; nobody sees it, and no address keeps it.
    assert (service["current"]["value"], "allValue" in service) == (["$__all"], False)
    assert (service["hide"], service["skipUrlSync"]) == (2, True)
    assert [title for title, link in _LINKS.items() if re.search(r"\${\w+:regex}", link["url"])] == []
