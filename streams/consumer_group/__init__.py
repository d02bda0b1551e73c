"""Membership in Kafka's consumer group, through Faust: the app, the delivery of chunks, and the assignment."""
