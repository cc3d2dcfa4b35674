"""Sessions, clients, budgets and errors of the AWS API."""
