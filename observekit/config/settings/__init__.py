"""The settings, each with its default, its rule and its environment variables: a file for each signal."""
