"""The state of the service: projects, jobs, sessions and accounts."""
