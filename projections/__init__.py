"""What is known: the pure fold, the RocksDB keyspace, the email index, history and receipts.
Everything here is a view of the log that can be thrown away and folded again; it knows neither
Kafka nor HTTP."""
