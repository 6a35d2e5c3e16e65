"""Checks of boards and rules, ours and other people's: whether what they name is there."""
