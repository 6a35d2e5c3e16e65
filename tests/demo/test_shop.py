"""The shop as an example: what it imports, and that each service runs by itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import observekit
from observekit.cli.demo import shop
from observekit.cli.demo.ports import listen

_EXAMPLES = Path(observekit.__file__).parents[1] / "examples"
_FILES = sorted(_EXAMPLES.rglob("*.py"))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_an_example_imports_public_names_only(path: Path) -> None:
    names = {name for name in _imported(ast.parse(path.read_text("utf-8"))) if name.startswith("observekit")}

    assert names <= {"observekit", *(f"observekit.{name}" for name in observekit.__all__)}


def test_the_shop_is_found_in_a_checkout() -> None:
    assert shop.app_directory() == _EXAMPLES


@pytest.mark.parametrize(
    ("name", "path", "answer"),
    [("storefront", "/help/delivery", 200), ("orders", "/orders/1", 404), ("inventory", "/items/tea", 200)],
)
def test_a_service_runs_by_itself(
    name: str, path: str, answer: int, environment: dict[str, str], tmp_path: Path
) -> None:
    with listen(18_500) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, "-m", "uvicorn", f"shop.{name}:app", "--app-dir", str(_EXAMPLES)]
        with (tmp_path / "output").open("wb") as output:
            process = subprocess.Popen(
                [*command, "--fd", str(listening.fileno())],
                env=environment,
                stdout=output,
                stderr=output,
                pass_fds=[listening.fileno()],
            )
    try:
        # It was handed a socket that listens already, so who asks too early waits.
        ready = httpx.get(f"{url}/readyz", trust_env=False, timeout=30).text
        given = httpx.get(f"{url}{path}", trust_env=False).status_code
        page = httpx.get(f"{url}/metrics", trust_env=False).text
    finally:
        process.terminate()
        process.wait(30)

    assert (ready, given) == ("ok\n", answer)
    assert f'service_name="{name}"' in page
    assert f'http_response_status_code="{answer}"' in page
    assert "Traceback" not in (tmp_path / "output").read_text("utf-8")


def test_services_get_an_environment_without_the_telemetry_settings_around_them() -> None:
    services = {name: shop.Service(name, 8000 + at) for at, name in enumerate(shop.NAMES)}
    given = {"HOME": "/h", "OTEL_SDK_DISABLED": "true", "OBSERVEKIT_LOGS": "off", "NO_PROXY": "example.org"}

    environ = shop.environment(given, services, "http://127.0.0.1:4318")

    assert environ == {
        "HOME": "/h",
        "NO_PROXY": "example.org,127.0.0.1",
        "no_proxy": "example.org,127.0.0.1",
        "ORDERS_URL": "http://127.0.0.1:8001",
        "INVENTORY_URL": "http://127.0.0.1:8002",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,deployment.environment.name=demo",
    }
