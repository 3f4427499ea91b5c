"""One patient's device history, and a clinic's, in every form it is needed."""
