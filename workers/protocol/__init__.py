"""What orchestrator and workers agree on: plain data, no torch."""
