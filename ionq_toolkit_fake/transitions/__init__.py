"""When a job changes its status, and to which end."""
