"""What tests of the fold begin with."""

import pytest

from tests.support.folding import Profiles


@pytest.fixture
def profiles() -> Profiles:
    """A partition without a profile."""
    return Profiles()
