"""The search for what is left of a person: in the log's records, and in the bytes of files (`profilelog verify`)."""
