"""How every field of every kind is broken in AWS: a file a kind, listed in `kinds.py`."""
