"""The largest jobs that the API takes."""

from __future__ import annotations

#: "At most 5,000 circuits and 150,000 gates in total across them": operation CreateJob.
MAX_CIRCUITS, MAX_GATES = 5_000, 150_000

#: Shots a job may ask for: schema CircuitJobCreationPayload of the API document.
MIN_SHOTS, MAX_SHOTS, DEFAULT_SHOTS = 1, 1_000_000, 100

#: The largest body that the API takes: "the request body may not exceed 10MB".
MAX_BODY_BYTES = 10 * 1024 * 1024
