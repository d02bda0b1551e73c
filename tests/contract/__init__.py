"""The HTTP contract, asked of the real service: one test a line of the contract."""
