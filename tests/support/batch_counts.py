"""The counts of a batch's status."""

from typing import Any


def counts(status: dict[str, Any]) -> tuple[int, int, int, int]:
    return status["received"], status["accepted"], status["skipped"], status["failed"]
