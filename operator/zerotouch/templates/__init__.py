"""What the operator would make, as templates that people deploy without it."""
