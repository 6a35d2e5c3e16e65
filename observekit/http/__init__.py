"""One HTTP request and its three signals."""
