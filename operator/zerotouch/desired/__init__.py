"""What the spec asks for, computed without I/O."""
