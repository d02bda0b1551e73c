"""What a node takes at once of requests, and what it answers to more (contract §2)."""
