"""The vocabulary: what is measured, what flows, what it is called. Pure."""
