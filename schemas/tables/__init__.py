"""Tables of users as spreadsheets write them: CSV whose header line names `uid`, `email` or `id` (contract §8). Pure.

Bytes go one way through it: `lines` makes lines of UTF-8, numbered as an editor shows them; `rows` finds the delimiter
and the header and makes rows of cells; `identifiers` takes out of a row whom it names.
"""
