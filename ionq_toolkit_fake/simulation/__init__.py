"""Simulation: from a task to its outcome. The first simulation imports Qiskit and Aer."""
