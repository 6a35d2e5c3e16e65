"""Lines of text on a terminal, some of which are drawn again and again in place; or plain lines in a file."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self, TextIO

Style = Literal["plain", "bold", "dim", "red", "yellow", "green"]
_CODES: Final[dict[Style, str]] = {
    "plain": "",
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "yellow": "\x1b[33m",
    "green": "\x1b[32m",
}
_RESET: Final = "\x1b[0m"
_HIDE_CURSOR, _SHOW_CURSOR, _CLEAR_BELOW = "\x1b[?25l", "\x1b[?25h", "\x1b[J"
# Source: measured with the widest route of the shop; a file is read on any screen.
_WIDTH_OF_FILES: Final = 100
_WIDEST: Final = 110


class Part(NamedTuple):
    """A piece of a line in one style."""

    text: str
    style: Style = "plain"


Line = Sequence[Part]


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs that trees and bars are drawn with."""

    branch: str = "├─ "
    last: str = "└─ "
    along: str = "│  "
    calls: str = "→"
    bar: str = "━"
    cut: str = "…"


ASCII_MARKS: Final = Marks(branch="|- ", last="`- ", along="|  ", calls="->", bar="=", cut="...")


class Screen:
    """Writes to *stream*; a block of lines at its end is live where the stream is a terminal.

    Attributes:
        live: Whether a block can be drawn in place.
        marks: What trees are drawn with, as far as the encoding has it.
    """

    def __init__(self, stream: TextIO, *, colour: bool, live: bool) -> None:
        self._stream = stream
        self._colour = colour
        self._block: list[Line] = []
        self._drawn = 0
        self._encoding = stream.encoding or "utf-8"
        self.live = live
        self.marks = Marks() if _encodes(self._encoding, Marks()) else ASCII_MARKS

    @classmethod
    def on(cls, stream: TextIO) -> Self:
        """Make what suits *stream* and the environment."""
        terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        # Source: no-color.org: any value but an empty one means no colour.
        return cls(stream, colour=terminal and not os.environ.get("NO_COLOR"), live=terminal)

    def __enter__(self) -> Self:
        if self.live:
            self._write(_HIDE_CURSOR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live and not isinstance(error, OSError):
            self._write(_SHOW_CURSOR)

    @property
    def width(self) -> int:
        """Columns of a line."""
        # The last column is left free: some terminals wrap when it is written to.
        columns = shutil.get_terminal_size((_WIDTH_OF_FILES + 1, 24)).columns - 1
        return max(40, min(columns, _WIDEST))

    def say(self, lines: Iterable[Line]) -> None:
        """Write lines that stay, above the live block."""
        text = "".join(f"{self._text(line)}\n" for line in lines)
        self._write(self._erased() + text + self._redrawn())

    def show(self, lines: Iterable[Line]) -> None:
        """Draw the live block anew."""
        self._block = list(lines)
        self._write(self._erased() + self._redrawn())

    def clear(self) -> None:
        """Take the live block away."""
        self.show([])

    def _erased(self) -> str:
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        # Also the ^C that the terminal wrote where the cursor stood.
        return f"\r{up}{_CLEAR_BELOW}" if self.live else ""

    def _redrawn(self) -> str:
        if not self.live:
            return ""
        # What does not fit could not be erased again.
        fitting = self._block[: max(1, shutil.get_terminal_size().lines - 1)]
        self._drawn = len(fitting)
        return "".join(f"{self._text(line, cut=True)}\n" for line in fitting)

    def _text(self, line: Line, *, cut: bool = False) -> str:
        left = self.width if cut else sys.maxsize
        told = []
        for part in line:
            text = _printable(part.text)[:left]
            left -= len(text)
            told.append(f"{_CODES[part.style]}{text}{_RESET}" if self._is_coloured(part) else text)
        return "".join(told).rstrip(" ").encode(self._encoding, "backslashreplace").decode(self._encoding)

    def _is_coloured(self, part: Part) -> bool:
        return self._colour and part.style != "plain"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _encodes(encoding: str, marks: Marks) -> bool:
    try:
        f"{marks.branch}{marks.last}{marks.along}{marks.calls}{marks.bar}{marks.cut}".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _printable(text: str) -> str:
    """Return *text* without what could move the cursor: paths and log fields are the clients' choice."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)
