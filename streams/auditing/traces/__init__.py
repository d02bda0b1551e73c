"""Looking for what is left of a person: in the records of the log, and in the bytes of files (`profilelog verify`)."""
