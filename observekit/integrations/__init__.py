"""One small file for each framework and library; each is imported only where the library is in use."""
