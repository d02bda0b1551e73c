"""The proofs: `unit` mirrors the packages, `contract` holds the HTTP contract, `integration`
needs a real broker, `faults` kills and cuts. Each test reads as a sentence, asserts one behaviour
and can fail."""
