"""The parts alone: what the stages could cost at least.

Each in a process of its own, on the core that the service has in the budget (`benchmarks.budget.cores`).
"""
