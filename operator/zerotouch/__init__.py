"""Kubernetes operator for Qualys zero-touch API-based scans on AWS."""
