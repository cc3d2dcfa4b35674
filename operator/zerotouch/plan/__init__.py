"""Differences between desired and observed, computed without I/O."""
