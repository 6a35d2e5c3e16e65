"""Values of labels that somebody else has chosen stay text in whatever shows an alert."""

from pathlib import Path

import pytest

from tests.rules import shipped
from tests.rules.promtool import Files

_HOSTILE = """<img src=x onerror=alert(1)>"'`[a](javascript:b)*_{{ $value }}\u202e"""
_TARGET = "observekit_health_check_status"


@pytest.mark.real
def test_a_label_brings_no_markup_no_link_and_no_template_into_an_alert(tmp_path: Path) -> None:
    rule = next(one for one in shipped.alerts() if one["alert"] == "ObservekitReadinessFailing")
    labels = {"job": "shop", "instance": "a", "check": _HOSTILE}
    written = "".join(f'{name}="{_escaped(value)}",' for name, value in labels.items())
    harmless = "?img src=x onerror=alert?1??????a??javascript:b??_{{ ?value }}?"
    said = rule["annotations"]["description"].partition(" Check first:")[2]
    annotations = rule["annotations"] | {
        "description": f"a of shop: the check {harmless} fails. Check first:{said}",
        "dashboard_url": "http://127.0.0.1:3000/d/observekit-health?var-job=shop&var-instance=a",
    }
    fires = {"exp_labels": {**labels, "severity": "warning"}, "exp_annotations": annotations}
    test = {
        "interval": "1m",
        "input_series": [
            {"series": f'{_TARGET}{{{written}probe="readiness",criticality="required"}}', "values": "0x9"}
        ],
        "alert_rule_test": [{"eval_time": "5m", "alertname": rule["alert"], "exp_alerts": [fires]}],
    }
    files = Files(tmp_path)

    files.add("hostile", [rule], test, step=1)

    assert files.run() == {"hostile": ""}


def test_no_annotation_shows_the_value_of_a_label_as_it_is() -> None:
    texts = [text for alert in shipped.alerts() for text in alert["annotations"].values()]

    shown = [part.split("}}")[0] for text in texts for part in text.split("{{ $labels.")[1:]]

    assert [each for each in shown if "| urlquery" not in each and "| reReplaceAll" not in each] == []


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
