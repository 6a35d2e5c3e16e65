"""Stories about alerts, told to Prometheus' own test tool: many files, one process."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Story:
    """An alert from silence through waiting and firing to its end; times are minutes.

    ``firing`` is the first minute in which it fires, the one before it is still pending; at ``kept`` it does
    so still. Samples are a minute apart, evaluations ``step``.
    """

    alert: str
    series: Mapping[str, str]
    silent: int
    firing: int
    resolved: int
    labels: Mapping[str, str]
    value: str = ""
    severity: str = "warning"
    also_firing: Sequence[Mapping[str, str]] = ()
    kept: int | None = None
    step: float = 1
    label_of_pair: str = ""
    # What is otherwise on Prometheus 3, whose windows leave out a sample that stands on their left edge.
    three: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FalseAlarm:
    """What looks like the condition of an alert and is none: at each minute of *at* it does not even wait.

    With ``pending`` it may wait, and must not fire. A case without a name stands at the edge of a limit.
    """

    alert: str
    name: str
    series: Mapping[str, str]
    at: Sequence[int]
    pending: bool = False
    step: float = 1
    label_of_pair: str = ""


@dataclass
class Files:
    """Rule files and test files in one directory, and what promtool says of each test file."""

    directory: Path
    names: list[str] = field(default_factory=list)

    def add(self, name: str, rules: Sequence[Json], test: Json, *, step: float) -> None:
        assert name not in self.names, f"{name} is told already, and would be overwritten"
        content = {"groups": [{"name": "tested", "rules": list(rules)}]}
        (self.directory / f"{name}.rules.yaml").write_text(json.dumps(content), encoding="utf-8")
        cases = {
            "rule_files": [f"{name}.rules.yaml"],
            "evaluation_interval": f"{step * 60:.0f}s",
            "tests": [test],
        }
        (self.directory / f"{name}.test.yaml").write_text(json.dumps(cases), encoding="utf-8")
        self.names.append(name)

    def run(self) -> dict[str, str]:
        """Return what is wrong, by name; nothing where all is as told."""
        promtool = shutil.which("promtool")
        if promtool is None:
            pytest.skip("promtool is not installed")
        files = [f"{name}.test.yaml" for name in self.names]
        done = subprocess.run(
            [promtool, "test", "rules", *files],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # One file after the other; Prometheus 3 does not say which one it has come to.
        _, *told = re.split(r"^  (?=SUCCESS$|FAILED:$)", done.stdout, flags=re.MULTILINE)
        assert len(told) == len(self.names), done.stdout
        pairs = zip(self.names, told, strict=True)
        return {name: "" if text.startswith("SUCCESS") else text for name, text in pairs}


@cache
def _is_three() -> bool:
    promtool = shutil.which("promtool")
    if promtool is None:
        return False
    done = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True)
    return re.search(r"version 3\.", done.stdout + done.stderr) is not None


def told_as(story: Story, rule: Json) -> Json:
    """Return promtool's form of *story*, with labels and annotations written out as they have to be."""
    story = replace(story, **story.three) if _is_three() else story
    fires = [_fired(story, rule, labels) for labels in (story.labels, *story.also_firing)]
    checks = [
        {"eval_time": f"{minute:g}m", "alertname": story.alert, "exp_alerts": expected}
        for minute, expected in (
            (story.silent, []),
            (story.firing - story.step, []),
            (story.firing, fires),
            (story.resolved, []),
        )
    ]
    counted = [_counted(story, "pending", story.firing - story.step, len(fires))]
    # The value may be another one by then.
    counted += [_counted(story, "firing", story.kept, len(fires))] if story.kept else []
    return {**_input(story), "alert_rule_test": checks, "promql_expr_test": counted}


def _counted(story: Story, state: str, minute: float, count: int) -> Json:
    return {
        "expr": f'count(ALERTS{{alertname="{story.alert}",alertstate="{state}"}})',
        "eval_time": f"{minute:g}m",
        "exp_samples": [{"labels": "{}", "value": count}],
    }


def silence_of(case: FalseAlarm) -> Json:
    """Return promtool's form of *case*."""
    state = "" if not case.pending else ',alertstate="firing"'
    return {
        **_input(case),
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{case.alert}"{state}}}',
                "eval_time": f"{minute}m",
                "exp_samples": [],
            }
            for minute in case.at
        ],
    }


def _input(case: Story | FalseAlarm) -> Json:
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    return {"interval": "1m", "input_series": series}


def _fired(story: Story, rule: Json, labels: Mapping[str, str]) -> Json:
    expected = {**labels, **rule["labels"], "severity": story.severity}
    return {
        "exp_labels": expected,
        "exp_annotations": {
            name: _written(text, expected, story.value) for name, text in rule["annotations"].items()
        },
    }


def _written(template: str, labels: Mapping[str, str], value: str) -> str:
    def one(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("$value"):
            return value
        label = re.fullmatch(r"\$labels\.(\w+)( \| urlquery| \| reReplaceAll .*)?", name)
        assert label, name
        return labels.get(label[1], "")

    return re.sub(r"{{ (.*?) }}", one, template)
