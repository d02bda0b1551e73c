"""What several kinds of tests need: the service as a process, and accounts that call it."""
