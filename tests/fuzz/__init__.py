"""Made-up input for each door that parses: a little in every run of the tests, `make fuzz` as much as wanted."""
