"""A batch as full as the contract allows: 265,000 items, just under 16 MiB."""

import json
import random
import threading

from tests.contract.expectations import UNKNOWN_ID, no_identifier_for
from tests.support.service import Account, Service, marked, marked_email

ITEMS = 265_000
LIMIT = 16 * 1024 * 1024
APPLIED_SECONDS = 120.0

# Each line: index, the item as it is sent, its code, and its message where the contract gives it.
BAD_ITEMS: list[tuple[int, str, int, str | None]] = [
    (0, '{"plan":"gold"}', 422, no_identifier_for("1st")),
    (10, "{}", 422, no_identifier_for("11th")),
    (1_021, '{"plan":"gold"}', 422, no_identifier_for("1022nd")),
    (4_429, '{"plan":"gold"}', 422, no_identifier_for("4430th")),
    (50_000, "17", 422, None),
    (100_000, '{"uid":""}', 422, None),
    (131_072, f'{{"id":"{UNKNOWN_ID}"}}', 404, None),
    (200_000, f'{{"email":"{marked_email()}"}}', 404, None),
    (200_001, f'{{"uid":"{marked("uid")}","x":"\\ud800"}}', 422, None),
    (264_999, '{"plan":"gold"}', 422, no_identifier_for("265000th")),
]


class Reader(threading.Thread):
    """Reads a profile again and again, and counts what it is answered."""

    def __init__(self, account: Account, uid: str) -> None:
        super().__init__(daemon=True)
        self._account = account
        self._uid = uid
        self._enough = threading.Event()
        self.answers: list[int] = []

    def run(self) -> None:
        while not self._enough.is_set():
            self.answers.append(self._account.read(uid=self._uid).status_code)

    def stop(self) -> list[int]:
        self._enough.set()
        self.join()
        return self.answers


def test_a_full_batch_is_taken_whole_while_others_go_on_being_answered(
    own_service: Service,
) -> None:
    account = own_service.create_account("A")
    account.known(uid=(existing := marked("uid")))
    mark = marked("uid").ljust(32, "-")
    lines = [f'{{"uid":"{mark}{n:06}","plan":"gold"}}' for n in range(ITEMS)]
    for index, item, _, _ in BAD_ITEMS:
        lines[index] = item
    body = f'{{"profiles":[{",".join(lines)}]}}'.encode()
    assert LIMIT * 0.99 < len(body) < LIMIT
    reader = Reader(account, existing)
    reader.start()

    answer = account.batch_raw(body)
    status = account.applied(answer, seconds=APPLIED_SECONDS)
    reads = reader.stop()

    assert set(reads) == {200}
    errors = json.loads(answer.content)["errors"]
    assert [(error["code"], error["index"]) for error in errors] == [
        (code, index) for index, _, code, _ in BAD_ITEMS
    ]
    for error, (_, _, _, message) in zip(errors, BAD_ITEMS, strict=True):
        assert message in (None, error["message"])
    assert status["received"] == ITEMS
    assert status["failed"] == len(BAD_ITEMS)
    assert status["skipped"] == 0
    assert status["accepted"] == ITEMS - len(BAD_ITEMS)
    bad = {index for index, *_ in BAD_ITEMS}
    for n in [*random.Random(7).sample(range(ITEMS), 300), 1, ITEMS - 2]:
        assert account.has(uid=f"{mark}{n:06}") == (n not in bad)
        if n not in bad:
            assert account.profile(uid=f"{mark}{n:06}")["plan"] == "gold"
