"""One account's pass: gather, plan, apply, report."""
