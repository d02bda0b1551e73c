"""How it moves: topics, the appender, the Faust app with its batch delivery, agents, relay,
purge, accounts and the embedded broker. It carries events to the projections and what follows
from them back to Kafka; it knows no HTTP."""
