"""How it moves: from the log to the projections, and what follows from them back to Kafka. It knows no HTTP.

A folder for each concern: `log` (Kafka's topics, appending, reading), `partition` (what this node owns: fold, relay,
settlement), `consumer_group` (Faust and the assignment of partitions), `replicas` (topics that every node folds whole),
`indexing`, `erasure`, `change_streams`, `auditing`, and the embedded `broker`. `node` puts them together.
"""
