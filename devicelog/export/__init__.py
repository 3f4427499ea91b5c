"""One history, in every form it is needed: the suffix of its name picks the writer."""
