"""Work that is no HTTP request: operations, jobs and messages, and the context that goes with them."""
