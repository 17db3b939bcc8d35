"""Programs for chaos tests, one for each client: `program(caller)`, and `EXPECTED`."""
