"""Erasure: the event that forgets a user, the deletion of a company, and the purge up to `deletion-purged`."""
