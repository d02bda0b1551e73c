"""The refusals of bodies that are too large (contract §2: 413)."""

from schemas.errors import TooLarge


def body_too_large(limit: int) -> TooLarge:
    """For a body of more than `limit` bytes that is no batch."""
    return TooLarge(f"The body must be at most {limit} bytes")


def batch_too_large() -> TooLarge:
    """For a batch; the text is the original product's."""
    return TooLarge("Each batch must be less than 16mb, try splitting the batch in half")
