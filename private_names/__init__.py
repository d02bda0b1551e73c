"""What the service uses of libraries that is not public there: one file a library.

Each file checks at its import that the names are there (`checked`), and offers them under public ones. Nothing else in
the tree uses a private name of a library. The versions are pinned in pyproject.toml: an upgrade begins here.
"""
