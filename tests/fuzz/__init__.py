"""Made-up input for each door that parses: in every run of the tests a little, with `make fuzz` for as long as wanted."""
