"""Grafana: what should stand there, what does, and the way from one to the other."""
