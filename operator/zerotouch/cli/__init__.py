"""The zerotouch command."""
