"""From the fold to the search index of a node: what is indexed, and how often the index commits."""
