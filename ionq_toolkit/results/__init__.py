"""From histograms to a Qiskit result."""
