"""Claims about speed, each measured against its peer in the same run; see ``benchmarks/README.md``."""
