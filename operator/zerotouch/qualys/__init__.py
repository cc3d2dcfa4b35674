"""Tokens and the gateway of Qualys."""
