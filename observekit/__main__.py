"""``python -m observekit``, the same as ``observekit``."""

import sys

from observekit.cli import main

sys.exit(main())
