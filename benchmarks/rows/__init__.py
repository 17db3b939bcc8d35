"""The rows, by what they are about; importing them fills the table in this order."""

from benchmarks.rows import beginnings, histograms, history, jobs, waiting

__all__ = ["beginnings", "histograms", "history", "jobs", "waiting"]
