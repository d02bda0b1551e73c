"""The log in Kafka: its topics and their settings, appending, transactions, reading, and decisions about records."""
