"""Where a cloud keeps its state: entries of bytes, in memory or in a file."""
