"""Between nodes: the door at which they ask each other, and requests that go on to who can answer them."""
