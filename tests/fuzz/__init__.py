"""Made-up input for whatever parses: a little in every run of the tests, `make fuzz` as much as wanted."""
