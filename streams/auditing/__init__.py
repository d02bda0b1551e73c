"""Folding the log again, comparing the result with the live state, and searching for what is left of a person."""
