"""The rows, by what they are about; importing them fills the table in this order."""

# isort: off
from benchmarks.rows import beginnings, jobs, crowd, histograms, waiting, history, cluster

__all__ = ["beginnings", "cluster", "crowd", "histograms", "history", "jobs", "waiting"]
