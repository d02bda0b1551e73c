"""HTTP itself: connections, what they may cost, and what is answered before a handler is asked.

`protocol` is uvicorn's protocol with the contract's limits and refusals; what of uvicorn is not public is in
`private_names.of_uvicorn`.
"""
