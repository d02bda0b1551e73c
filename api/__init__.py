"""The interface: the Litestar app, one controller file per resource, authentication, limits, settings
and the command line. It turns requests into events and projections into answers; it never folds
and knows no RocksDB key."""
