"""Companies, held whole in memory by every node (contract §10).

`fold` is the fold of ``company-events``, `columns` are the values that filters compare.
"""
