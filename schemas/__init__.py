"""What data looks like: events, documents, companies, filters, receipts, normalization, identity and
errors. Values in, values out: no I/O, no clock, no asyncio, and no import from the other
packages."""
