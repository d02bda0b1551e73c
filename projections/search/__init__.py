"""The search index of one node: which profiles of an account meet a condition (contract §6).

From the outside in: `indexer` is the asyncio side, `index` the live index with its rebuild,
`generation` one index on disk, `integrity` its damage; `documents` says what is indexed of a
profile, `encoding` how values become terms that tantivy leaves alone, `lowering` how a condition
becomes a query, `pages` how hits become pages, `counting` how many there are.
"""
