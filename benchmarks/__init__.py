"""What is fast, measured, with the PostgreSQL twin beside it: `python -m benchmarks`."""
