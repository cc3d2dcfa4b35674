"""Kubernetes side: watching, queue, children, status, events, leadership."""
