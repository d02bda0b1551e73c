"""A partition that this node owns: its runtime, the fold, the relay of its outputs, and what waits for them."""
