"""The search index of one node: which profiles of an account meet a condition (contract §6).

One process writes the files and another one, the service, reads them. What writes: `index` is the index with its
rebuild, `generation` one index on disk, `integrity` its damage; `documents` says what is indexed of a profile,
`encoding` how values become terms that tantivy leaves alone. What reads: `searches` is the asyncio side, `reader` the
index in use, `view` one generation, `lowering` how a condition becomes a query, `pages` how hits become pages,
`counting` how many there are.
"""
