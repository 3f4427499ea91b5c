"""What one may ask of a running recorder, and its configuration."""
