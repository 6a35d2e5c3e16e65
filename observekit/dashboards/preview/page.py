"""One HTML page that needs nothing else: data, styles, the drawing code, and uPlot that it draws with."""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any, Final

_HOME: Final = files("observekit.dashboards.preview")

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
{styles}
</style>
<nav></nav>
<main></main>
<!-- uPlot, the MIT License:
{licence}
-->
<script>
{uplot}
</script>
<script type="application/json" id="boards">
{data}
</script>
<script>
{drawing}
</script>
</html>
"""


def page(pictures: Sequence[dict[str, Any]]) -> str:
    """Return the page of all *pictures*."""
    # Inside a script element nothing may look like its end.
    data = json.dumps(pictures, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return _PAGE.format(
        title=escape(", ".join(picture["title"] for picture in pictures)),
        styles=_text("uplot/uPlot.min.css") + _text("preview.css"),
        licence=_text("uplot/LICENSE").strip(),
        uplot=_text("uplot/uPlot.min.js").strip(),
        data=data,
        drawing=_text("preview.js").strip(),
    )


def _text(name: str) -> str:
    return _HOME.joinpath(name).read_text(encoding="utf-8")
