"""Lines of a flood, written by whoever has filled a piece."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Final

from observekit.logs.output import Output, first_piece

Lines = deque[bytes]

# Source: some forty lines of requests; a write of so many is a hundredth of what these requests cost. One
# caller writes no more: with each piece he lets go of the interpreter, which a busy thread may take.
FLOOD_BYTES: Final = 16 * 1024


def write_flood(
    output: Output, waiting: Lines, ours: Callable[[], bool], settle: Callable[[int], None]
) -> None:
    """Write some of what is *waiting*, as far as that takes no waiting, and take it out.

    Each line stays in its place until it is written: where a signal handler raises in between, lines of one
    piece are there twice, rather than never. ``settle(size)`` is told what is written, and ``ours()`` says
    whether nobody else has begun to take lines out, as happens when the process stood still meanwhile.
    """
    if not output.begin_at_once():
        return
    with suppress(Exception):  # No memory for a copy; the lines wait.
        try:
            _write_pieces(output, waiting, ours, settle)
        finally:
            output.end()


def _write_pieces(
    output: Output, waiting: Lines, ours: Callable[[], bool], settle: Callable[[int], None]
) -> None:
    # In one step, as what follows is: others append meanwhile.
    lines = waiting.copy()
    done = 0
    while lines and done < FLOOD_BYTES:
        many, piece = first_piece(lines, output.piece)
        if len(piece) > output.piece or not output.write_at_once(piece) or not ours():
            return
        for those in (waiting, lines):
            Lines(islice(iter(those.popleft, None), many), 0)
        settle(len(piece))
        done += len(piece)
