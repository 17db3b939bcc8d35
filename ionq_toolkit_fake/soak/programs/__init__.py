"""Programs that can be soaked as they are, each for a client: `program(caller)`, and `EXPECTED`."""
