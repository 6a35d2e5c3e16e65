"""The examples of deployments: valid by their schemas, and with times that add up."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
import pytest
import yaml

from observekit.cli import main
from observekit.config.env import examine
from tests.drain.service import ROOT

DEPLOY = ROOT / "examples" / "deploy"
MANIFESTS = sorted(DEPLOY.glob("kubernetes*.yaml"))
ROUTED = [path for path in MANIFESTS if "worker" not in path.name]
# One that is maintained, and one that many still have.
VERSIONS = ("1.29", "1.33")
HURRY_SECONDS = 2


def documents(path: Path) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all(path.read_text())


def pod(path: Path) -> dict[str, Any]:
    (deployment,) = (one for one in documents(path) if one["kind"] == "Deployment")
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


def environ(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_what_kubernetes_takes(path: Path, version: str) -> None:
    kinds = []
    for document in documents(path):
        kubernetes_validate.validate(document, version, strict=True)
        kinds.append(document["kind"])

    assert "Deployment" in kinds


def test_a_manifest_with_a_mistake_is_not() -> None:
    (deployment, _) = documents(DEPLOY / "kubernetes.yaml")
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 30

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_grace_period_is_longer_than_all_that_happens_in_it(path: Path) -> None:
    (container,) = pod(path)["containers"]
    effective = examine(environ(container))
    config = effective.config
    takes = config.drain_delay_seconds + config.drain_timeout_seconds + config.shutdown_budget_seconds

    assert (effective.problems, effective.unknown) == ((), ())
    assert takes + HURRY_SECONDS < pod(path)["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("path", ROUTED, ids=lambda path: path.name)
def test_the_delay_is_longer_than_kubernetes_takes_to_see_that_readiness_fell(path: Path) -> None:
    (container,) = pod(path)["containers"]
    probe = container["readinessProbe"]

    assert examine(environ(container)).config.drain_delay_seconds > (
        probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    )


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_commands_of_probes_and_hooks_are_commands_of_observekit(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (container,) = pod(path)["containers"]
    hooks = [container[name] for name in container if name.endswith("Probe")]
    hooks.append(container.get("lifecycle", {}).get("preStop", {}))
    commands = [hook["exec"]["command"] for hook in hooks if "exec" in hook]
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    for command in commands:
        assert command[0] == "observekit"
        # Nobody is there to ask, which is neither yes nor wrong usage.
        assert main(command[1:]) == 3


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_what_systemd_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "orders.service").read_text().replace("/opt/orders/bin/observekit", sys.executable)
    unit = tmp_path / "orders.service"
    unit.write_text(text)
    told = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )

    assert (told.returncode, [line for line in told.stderr.splitlines() if "orders" in line]) == (0, [])


def test_systemd_waits_longer_than_all_that_happens_when_it_stops_the_unit() -> None:
    text = (DEPLOY / "orders.service").read_text()
    given = dict(line.split("=", 1) for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE))
    config = examine(given).config
    (limit,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    takes = config.drain_delay_seconds + config.drain_timeout_seconds + config.shutdown_budget_seconds

    assert takes + HURRY_SECONDS < int(limit)


def test_the_image_is_supervised_and_asked_how_it_is() -> None:
    lines = (line.partition(" ") for line in (DEPLOY / "Dockerfile").read_text().splitlines())
    said = {instruction: value for instruction, _, value in lines if instruction.isupper()}
    given = dict(word.split("=", 1) for word in said["ENV"].split())

    assert (examine(given).problems, examine(given).unknown) == ((), ())
    assert json.loads(said["ENTRYPOINT"]) == ["observekit", "run", "--"]
    assert json.loads(said["HEALTHCHECK"].partition("CMD ")[2]) == ["observekit", "probe", "live"]
