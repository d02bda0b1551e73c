"""What stands in a log or a state, seen from outside, for auditors: nothing here is part of a running service.

`state_files` reads the rows of a service's state beside it; `scope` chooses records of the log, and `replaying` folds
them again; `agreement` is what two foldings of one log must have alike, `differences` says where they have not;
`person` and `evidence` find what is about somebody.
"""
