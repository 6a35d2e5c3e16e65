"""Health: where the process is in its life, and whether what it needs is there."""
