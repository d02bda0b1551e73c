"""How many files and connections the process may have open (contract §16)."""

import resource


def raise_limit() -> int:
    """Raise the limit of open files to the hard one; returns how many of them connections may take.

    A quarter stays for RocksDB, the search index and Kafka.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - hard // 4
