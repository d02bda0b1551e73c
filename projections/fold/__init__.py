"""The fold: what an event makes of a partition's state (design "Folding and relay", "Erasure").

Pure: no clock, no random, no I/O but the rows it is given, so that a replay gives the same bytes. The outputs of
an event are rows of the outbox, in the order in which they must leave.

`evolve` applies an event; each type of event that is about a profile has a file of its own, which finds the profile
(`addressing`), changes it, and closes the event (`ending`).

The rules that the protocol rests on, each searched for faults with an executable model:

1. Every record folded onto a profile leaves its key in its history, duplicates and releases too, and beside it the
   old values of what it changed. A record that meets no profile gets its tombstone at once. So a later forget can
   name every record of the user.
2. A fold that changes an email withdraws the old claim and makes a new one. Nothing else claims.
3. A release takes the email only if it names the profile's current claim.
4. A forget erases the profile that it names *and* whatever profile its user has, remembers the profile id (a
   second forget of it does nothing) and the idempotency ids of the user's last day (refused afterwards), and leaves
   a receipt even when it finds nobody.
5. A deletion and a late record, one that a forget was too early to name, wait to be purged until
   it was seen that no byte of them is left (`streams.erasure`).
6. An event whose idempotency id was there before, on its profile within a day, changes nothing.
7. Nobody joins a company after the record that says in this partition that it is gone; a member leaves by a
   record of its own.
8. A record that an operator has set aside, because it cannot be folded, is passed over like one that meets no
   profile: it gets its tombstone, or nobody whom it is about could be forgotten.
"""
