"""Ready-made health checks, a file for each library; few import it, because they are given its objects."""
