"""One file per AWS resource kind."""
