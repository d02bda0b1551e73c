"""The parts alone: what the stages could cost at least.

Each in a process of its own with the cores that the service has, which is bound to none.
"""
