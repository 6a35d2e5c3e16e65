"""Exit codes, the same for every command."""

from typing import Final

FINE: Final = 0
ANSWER_IS_NO: Final = 1
WRONG_INPUT: Final = 2
CANNOT_TELL: Final = 3
REMOTE_FAILED: Final = 4
