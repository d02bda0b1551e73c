"""The event that forgets a profile (design "Erasure")."""

from projections.profile import StoredProfile
from projections.profiles import ProfileState
from schemas.events import ProfileForgotten
from schemas.identity import random_id, slot_of


def forget_event(state: ProfileState, profile: StoredProfile, at: int) -> ProfileForgotten:
    """The event that erases a profile of this partition, with a receipt of its own; `at` in unix milliseconds."""
    return ProfileForgotten(
        account=profile.header.account,
        at=at,
        id=profile.id,
        user=profile.user.hex(),
        deletion=random_id(slot_of(profile.id)),
        spent=state.repeats(profile.id, at),
        events=state.count_history(profile.id),
    )
