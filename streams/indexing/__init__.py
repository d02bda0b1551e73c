"""From the fold to the search index of a node.

`commit_loop` takes what changed and decides when it is committed; `index_link` is the service's end of the connection
to the process that writes the index, `index_process` that process, and `frames` what the two say; `lag` is how far
searches are behind.
"""
