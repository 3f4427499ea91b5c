"""Where entries go from the journal: one contract, one relay, one file a sink."""
