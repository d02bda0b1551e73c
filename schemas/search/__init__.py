"""What a search asks for: the filter grammar, its meaning, paging and cursors (contract §6). Pure.

A request goes one way through it: `brackets` makes parameters of a query string, `grammar` checks
the shape of the filters, `meaning` gives the condition that they stand for, each by its op
(`operators`), and `request` puts the whole search together.
"""
