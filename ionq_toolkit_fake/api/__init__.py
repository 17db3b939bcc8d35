"""The HTTP API: one module for each resource, and the shapes of requests and responses."""
