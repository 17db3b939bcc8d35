"""Speed and memory, end to end, as ratios to a peer in the same run: `python -m benchmarks`."""
