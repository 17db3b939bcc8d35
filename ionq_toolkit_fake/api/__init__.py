"""The wire: which request does what, and how replies and refusals look."""
