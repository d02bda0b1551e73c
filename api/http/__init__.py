"""HTTP itself: connections, what they may cost, and what is answered before a handler is asked.

`protocol` is uvicorn's protocol with the contract's limits and refusals. uvicorn's names that are not public are used
in this folder alone; `uvicorn_parts` checks at import that they are there.
"""
