"""Virtual devices before the real pipeline, on a clock of our own."""
