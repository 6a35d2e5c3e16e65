"""How often a test tries: as often as it says, and less where another run of the same tests does that."""

from typing import Final

from hypothesis import HealthCheck, settings

FEW: Final = "few"
"""Profile of runs beside which one tries everything as often as it says; marker ``often`` is for that one."""

SHARED: Final = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
"""What is not looked for where all examples have one server, on a machine that may be busy."""

_SHARE: Final = 10


def often(times: int) -> int:
    """Return *times*, or in the profile ``few`` a tenth of it, and no less than ten."""
    if settings.get_current_profile_name() != FEW:
        return times
    return min(times, max(times // _SHARE, _SHARE))
