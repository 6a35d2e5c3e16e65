"""Any worker of any server shows what all of them have counted, and nobody had to do anything for it."""

from collections.abc import Callable

import pytest

from tests.servers_workers.page import Page
from tests.servers_workers.servers import EACH, some
from tests.servers_workers.service import Service
from tests.servers_workers.truth import PREFIXES, counted, levels, requests, steady, true_levels, truth

pytestmark = pytest.mark.once

OWN = ("early_", "late_", "shop_", "process_", "python_", "target")


@pytest.mark.parametrize("service", EACH, indirect=True)
def test_every_page_shows_what_all_workers_have_counted_and_set(service: Service) -> None:
    service.act_everywhere()
    service.level_everywhere()

    journal = service.journal
    wanted, gauges = truth(journal.answered), true_levels(journal.levels, journal.last, service.living())
    gauges |= {"livemostrecent": [float(journal.last)]}
    slots = {str(number) for number in range(service.server.processes)}
    pages = service.wait_for(
        lambda page: (
            counted(page) == wanted
            and all(levels(page, prefix) == gauges for prefix in PREFIXES)
            and slots_of(page, "process_cpu_seconds_total") == slots
        )
    )

    assert len(pages) == (1 if service.server.wsgi and service.server.preloads else service.server.workers)


def slots_of(page: Page, name: str) -> set[str]:
    return {dict(sample.labels).get("worker", "") for sample in page.find(name)}


@pytest.mark.parametrize("service", some("uvicorn-h11", wsgi=False), indirect=True)
def test_every_page_shows_the_requests_of_all_workers(service: Service) -> None:
    service.act_everywhere()

    service.wait_for(lambda page: requests(page) == service.journal.answered)


def test_the_pages_of_all_workers_say_the_same(service: Service) -> None:
    service.act_everywhere()
    service.level_everywhere()

    service.wait_for(lambda page: counted(page) == truth(service.journal.answered))
    first, *others = map(steady, service.pages().values())

    assert others == [first] * len(others)
    assert len(first) > 60


def test_exemplars_of_any_worker_are_on_every_page(service: Service) -> None:
    service.act_everywhere()

    def shown(page: Page) -> bool:
        buckets = [page.find(f"{prefix}_seconds_bucket", le="1.0") for prefix in PREFIXES]
        counters = [page.find(f"{prefix}_plain_total") for prefix in PREFIXES]
        return all(len(found) == 1 and "act=" in found[0].exemplar for found in buckets + counters)

    service.wait_for(shown)


def test_info_enum_and_collectors_of_the_service_are_on_every_page(service: Service) -> None:
    def shown(page: Page) -> bool:
        return all(
            page.find(f"{prefix}_build_info", version="1.2.3")
            and {sample.value for sample in page.find(f"{prefix}_state", **{f"{prefix}_state": "busy"})}
            == {1.0}
            and {sample.value for sample in page.find(f"{prefix}_state", **{f"{prefix}_state": "idle"})}
            == {0.0}
            for prefix in PREFIXES
        )

    service.act_everywhere()
    pages = service.wait_for(shown)

    for page in pages.values():
        assert [sample.value for sample in page.find("shop_collected")] == [7.0]


def test_each_process_has_its_own_figures_under_a_small_number(service: Service) -> None:
    wanted = {str(number) for number in range(service.server.processes)}
    names = ("process_cpu_seconds_total", "process_resident_memory_bytes", "python_gc_collections_total")
    service.wait_for(lambda page: all(slots_of(page, name) == wanted for name in names))


def test_no_family_is_missing_that_one_process_shows(
    service: Service, start: Callable[[str], Service]
) -> None:
    alone = start("uvicorn-alone")
    alone.act()
    alone.level_everywhere()
    service.act_everywhere()
    service.level_everywhere()
    (page,) = alone.wait_for(lambda page: "early_otel_acts" in page.types).values()
    wanted = {
        name: kind for name, kind in page.types.items() if not service.server.wsgi or name.startswith(OWN)
    }

    service.wait_for(lambda page: wanted.items() <= page.types.items())


def test_pages_are_valid_openmetrics(service: Service) -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    service.act_everywhere()

    for page in service.pages().values():
        assert len(list(text_string_to_metric_families(page.text))) == len(page.types)


def test_all_workers_are_one_target(service: Service) -> None:
    service.wait_for(lambda page: len(page.find("target_info")) == 1)
    instances = {
        dict(page.find("target_info")[0].labels).get("service_instance_id")
        for page in service.pages().values()
    }

    assert len(instances) == 1
    assert instances != {None}
