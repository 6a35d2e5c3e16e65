"""What is lost of the telemetry itself."""

from collections.abc import Mapping

from tests.rules.promtool import FalseAlarm, Story
from tests.rules.stories.availability import OTHER, A, B, ready

_SHOP = {"job": "shop"}
_LOSING = "0x9 1+1x30 31x60"


def _counted(name: str, labels: Mapping[str, str], values: str) -> dict[str, str]:
    written = "".join(f',{label}="{value}"' for label, value in labels.items())
    return {f"{name}{{{A}{written}}}": values}


def _loss(
    alert: str,
    metric: str,
    labels: Mapping[str, str],
    *,
    firing: int,
    value: str,
    severity: str = "warning",
) -> Story:
    """Return the story of a counter that grows from the 11th minute on."""
    other = {label: f"other_{text}" for label, text in labels.items()}
    return Story(
        alert=alert,
        series={**_counted(metric, labels, _LOSING), **_counted(metric, other, "7x100")},
        silent=9,
        firing=firing,
        resolved=52,
        labels={**_SHOP, **labels},
        value=value,
        severity=severity,
    )


def _burst(alert: str, metric: str, labels: Mapping[str, str]) -> Story:
    """Return the story of a loss of one minute, of which the hour that follows has to tell."""
    return Story(
        alert=alert,
        series=_counted(metric, labels, "0x9 100x100"),
        silent=9,
        firing=20,
        kept=65,
        resolved=71,
        labels={**_SHOP, **labels},
        value="100",
    )


def _once(
    alert: str, name: str, metric: str, labels: Mapping[str, str], *, pending: bool = True
) -> FalseAlarm:
    """Return a counter that grows in one minute only, or, where it may not even wait, before all others."""
    values = "0x9 1+1x4 5x60" if pending else "5x60"
    return FalseAlarm(
        alert=alert,
        name=name,
        series=_counted(metric, labels, values),
        at=(10, 15, 19, 20, 21),
        pending=pending,
    )


def _exports(failed: str, exported: str) -> dict[str, str]:
    name = "observekit_export_duration_seconds_count"
    return {
        **_counted(name, {"signal": "traces", "outcome": "failed"}, failed),
        **_counted(name, {"signal": "traces", "outcome": "exported"}, exported),
    }


_LOGS = "observekit_log_records_dropped_total"
_SPANS = "observekit_spans_dropped_total"
_OVERFLOW = "observekit_series_overflow_total"
_COLLECTOR = "observekit_collector_errors_total"
_INTERNAL = "observekit_internal_errors_total"
_VARIABLE = {"variable": "OTEL_LOG_LEVEL"}
_FAMILY = {"metric": "jobs_total", "label": "queue"}

STORIES = (
    _loss("ObservekitLogRecordsDropped", _LOGS, {"reason": "buffer_full"}, firing=20, value="11"),
    _loss("ObservekitSpansDropped", _SPANS, {"reason": "queue_full"}, firing=20, value="11"),
    _burst("ObservekitLogRecordsDropped", _LOGS, {"reason": "buffer_full"}),
    _burst("ObservekitSpansDropped", _SPANS, {"reason": "queue_full"}),
    _loss("ObservekitSeriesOverflow", _OVERFLOW, _FAMILY, firing=11, value="2"),
    _loss("ObservekitCollectorFailing", _COLLECTOR, {"collector": "Stock"}, firing=20, value="5"),
    _loss(
        "ObservekitInternalErrors",
        _INTERNAL,
        {"component": "logs"},
        firing=15,
        value="6",
        severity="info",
    ),
    Story(
        alert="ObservekitExportFailing",
        # From the 13th minute on 24 of 44 within five minutes, and 12 of 32 after the 42nd.
        series=_exports("0x9 6+6x30 186x60", "0+4x100"),
        silent=12,
        firing=23,
        resolved=44,
        labels={**_SHOP, "signal": "traces"},
        value="60%",
    ),
    Story(
        alert="ObservekitScrapeSlow",
        series={f"scrape_duration_seconds{{{A}}}": "1x9 9x19 1x9", **ready(A, "1x60")},
        silent=9,
        firing=25,
        resolved=30,
        labels={**_SHOP, "instance": "a"},
        value="9s",
    ),
    Story(
        alert="ObservekitSettingRejected",
        # Another instance has nothing to reject.
        series={
            **_counted("observekit_config_rejected_values", _VARIABLE, "_x9 1x20 stale"),
            f'observekit_config_rejected_values{{{B},variable="OTEL_LOG_LEVEL"}}': "0x60",
        },
        silent=8,
        firing=14,
        resolved=30,
        labels={**_SHOP, "variable": "OTEL_LOG_LEVEL"},
        severity="info",
    ),
)

FALSE_ALARMS = (
    _once("ObservekitLogRecordsDropped", "a small burst", _LOGS, {"reason": "buffer_full"}),
    _once("ObservekitSpansDropped", "a small burst", _SPANS, {"reason": "export_failed"}),
    _once("ObservekitSeriesOverflow", "an overflow of the past", _OVERFLOW, _FAMILY, pending=False),
    _once("ObservekitCollectorFailing", "one failure", _COLLECTOR, {"collector": "Stock"}),
    _once(
        "ObservekitInternalErrors", "failures of the past", _INTERNAL, {"component": "logs"}, pending=False
    ),
    *(
        FalseAlarm(
            alert=alert,
            name="",
            # One fewer than many.
            series=_counted(metric, {"reason": "queue_full"}, "0x9 99x60"),
            at=(10, 20, 30, 60),
            pending=True,
        )
        for alert, metric in (("ObservekitLogRecordsDropped", _LOGS), ("ObservekitSpansDropped", _SPANS))
    ),
    FalseAlarm(
        alert="ObservekitExportFailing",
        name="nothing to export",
        series=_exports("7x60", "7x60"),
        at=(12, 30),
    ),
    FalseAlarm(
        alert="ObservekitExportFailing",
        name="some failures",
        # Exactly half.
        series=_exports("0+4x60", "0+4x60"),
        at=(12, 30),
    ),
    FalseAlarm(
        alert="ObservekitExportFailing",
        name="a restart of the collector",
        series=_exports("0x9 6+6x4 30x60", "0x14 4+4x60"),
        at=(10, 18, 19, 20, 21),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitScrapeSlow",
        name="another exporter",
        series={
            f"scrape_duration_seconds{{{OTHER}}}": "9.9x60",
            f"scrape_duration_seconds{{{A}}}": "8x60",
            **ready(A, "1x60"),
        },
        at=(16, 30),
    ),
    FalseAlarm(
        alert="ObservekitScrapeSlow",
        name="a slow moment",
        series={f"scrape_duration_seconds{{{A}}}": "1x9 9x14 1x30", **ready(A, "1x60")},
        at=(10, 24, 25, 26),
        pending=True,
    ),
    FalseAlarm(
        alert="ObservekitSettingRejected",
        name="an instance of the past",
        series=_counted("observekit_config_rejected_values", {"variable": "OTEL_LOG_LEVEL"}, "1x9 stale"),
        at=(12, 20),
    ),
    FalseAlarm(
        alert="ObservekitScrapeSlow",
        name="",
        # Another target of the same job, which is none of ours.
        series={'scrape_duration_seconds{job="shop",instance="b"}': "9x60", **ready(A, "1x60")},
        at=(16, 30),
    ),
)
