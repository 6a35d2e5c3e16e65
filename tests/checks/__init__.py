"""The ready-made checks, with the real servers."""
