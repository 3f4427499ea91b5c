"""What may be wrong with a recorder and its machine: one list of checks."""
