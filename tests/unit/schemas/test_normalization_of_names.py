"""Names of properties, normalized (contract §9)."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import property_names
from schemas.normalization import normalize
from schemas.property_names import normalize_name
from tests.support.normalizing import NOW, stored


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("userRole", "user_role"),
        ("user-role", "user_role"),
        ("User Role", "user_role"),
        ("Feature Announcements!", "feature_announcements"),
        ("01 Onboarding 🚧", "01_onboarding"),
        ("ImporteD leads", "imported_leads"),
    ],
)
def test_a_name_is_normalized_as_the_reference_page_shows(sent: str, kept: str) -> None:
    assert normalize_name(sent) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("user_role", "user_role"),
        ("__user..role__", "user_role"),
        ("user.role", "user_role"),
        ("USER", "user"),
        ("userID", "user_id"),
        ("companyId", "company_id"),
        ("companyUID", "company_uid"),
        ("HTTPServer", "http_server"),
        ("parseHTTPBody", "parse_http_body"),
        ("userIDs", "user_ids"),
        ("URLsOfUser", "urls_of_user"),
        ("isAdmin", "is_admin"),
        ("aSingleWord", "a_single_word"),
        ("planB", "planb"),
        ("line2Street", "line2_street"),
        ("SHA256Hash", "sha256_hash"),
        ("B2BCustomer", "b2b_customer"),
        ("B2B", "b2b"),
        ("utf8", "utf8"),
    ],
)
def test_a_word_begins_where_a_reader_sees_one(sent: str, kept: str) -> None:
    assert normalize_name(sent) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Prénom", "prénom"),
        ("Pre\u0301nom", "prénom"),
        ("ÉtatCivil", "état_civil"),
        ("monE\u0301tat", "mon_état"),
        ("Done✅Now", "done_now"),
        ("Done✅", "done"),
        ("役割", "役割"),
        ("का नाम", "का_नाम"),
        ("❤\ufe0f love", "love"),
        ("1\ufe0f\u20e3 first", "1_first"),
    ],
)
def test_letters_of_every_script_stay_and_emoji_go(sent: str, kept: str) -> None:
    assert normalize_name(sent) == kept


@pytest.mark.parametrize("sent", ["", " ", "!!!", "🚧", "___", "\u0301"])
def test_a_name_with_nothing_left_is_dropped(sent: str) -> None:
    assert normalize_name(sent) == ""
    assert normalize({sent: "gold", "plan": {sent: "gold"}}, NOW).properties == {"plan": {}}


@pytest.mark.parametrize("sent", ["x" * 900, "é" * 900, "🚧x" * 900])
def test_a_name_keeps_its_first_768_bytes(sent: str) -> None:
    kept = normalize_name(sent)

    assert 766 <= len(kept.encode()) <= 768
    assert normalize_name(kept) == kept


def test_of_two_inputs_on_one_name_the_last_wins_in_the_first_ones_place() -> None:
    raw = {"userRole": "admin", "plan": "gold", "User Role": "editor"}

    assert list(normalize(raw, NOW).properties.items()) == [
        ("user_role", "editor"),
        ("plan", "gold"),
    ]


def test_names_inside_a_hash_are_normalized_too() -> None:
    assert stored({"userRole": "admin", "user-role": "editor"}) == {"user_role": "editor"}


@settings(deadline=None)
@given(name=st.text(st.characters()) | st.text("aAsSdDIéÉ9_ -\u0301İßΣ\U0001d400"))
def test_normalizing_a_name_twice_is_normalizing_it_once(name: str) -> None:
    once = normalize_name(name)

    assert normalize_name(once) == once
    assert len(once.encode()) <= 768
    assert not once.startswith("_")
    assert not once.endswith("_")


# One piece may be all of the name's first 768 bytes, or nothing of it.
_PIECES = st.text(
    "aAsBd9_ -!=éİßΣʰ\u0301\u0316\u0338\u0345\u0f73가ᄀ\u1161🚧\ufe0f\U0001e8d0", max_size=4
)
_LONG_NAMES = st.lists(
    st.tuples(_PIECES, st.sampled_from([1, 2, 40, 400, 1500])), min_size=1, max_size=6
).map(lambda pieces: "".join(piece * times for piece, times in pieces))


@settings(deadline=None, max_examples=150)
@given(name=_LONG_NAMES)
@example(name="!" * 5000 + "plan")
@example(name="\u0301" * 5000 + "plan")
@example(name="a\u0316" + "!\u0301" * 5000 + "planName")
@example(name="a" + "\u0316" * 5000 + "\u0301b")
@example(name="a" * 4095 + "\u0316" * 200 + "\u0301")
def test_a_long_name_is_cut_before_it_is_normalized_where_that_changes_nothing(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(property_names, "_LONG_NAME", len(name))
        whole = normalize_name(name)

    assert normalize_name(name) == whole


@given(name=st.from_regex(r"[a-z0-9]{1,3}(_[a-z0-9]{1,3}){0,3}", fullmatch=True))
def test_a_name_in_its_normal_form_stays_as_it_is(name: str) -> None:
    assert normalize_name(name) == name
    assert normalize_name(f" {name}") == name
