"""What the service remembers: projects, jobs, sessions and accounts."""
