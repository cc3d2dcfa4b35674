"""Metrics, computed from state on scrape."""
