"""A Qualys gateway with the documented shapes, for the sandbox."""
