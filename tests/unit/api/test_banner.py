"""What `up` and `serve` say when they are ready: the secret once, and on a terminal alone."""

from dataclasses import replace
from pathlib import Path

from api.command_line.service import banner
from api.starting import AccountSecret, Started
from streams.log.kafka_access import KafkaAccess

SECRET = "whispered"
FILE = Path("/data of ours/account.secret")
URL = "http://127.0.0.1:8080"
FIRST = Started(URL, KafkaAccess("127.0.0.1:9092"), AccountSecret(SECRET, FILE, is_new=True))
LATER = replace(FIRST, secret=AccountSecret(SECRET, FILE, is_new=False))


def test_a_terminal_shows_the_secret_that_was_made() -> None:
    assert f"account secret: {SECRET} (shown this once; {FILE} keeps it)" in banner(
        FIRST, on_terminal=True
    )


def test_what_is_no_terminal_shows_no_secret() -> None:
    said = banner(FIRST, on_terminal=False)

    assert SECRET not in said
    assert f"{URL}\n  account secret: in {FILE}\n" in said


def test_a_later_start_shows_no_secret() -> None:
    assert SECRET not in banner(LATER, on_terminal=True)


def test_the_hint_puts_no_secret_on_a_command_line() -> None:
    hint = banner(FIRST, on_terminal=True).partition("Try:")[2]

    assert SECRET not in hint
    assert "'/data of ours/account.secret' | curl -H @- http" in hint


def test_a_secret_that_was_given_is_not_repeated() -> None:
    said = banner(
        replace(FIRST, secret=AccountSecret(SECRET, None, is_new=False)), on_terminal=True
    )

    assert SECRET not in said
    assert "the one that was given" in said


def test_without_a_secret_it_says_how_to_make_one() -> None:
    assert "`profilelog accounts create NAME`" in banner(
        replace(FIRST, secret=None), on_terminal=True
    )
