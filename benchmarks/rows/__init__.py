"""The rows, by what they are about; importing a module adds its rows to the table."""
