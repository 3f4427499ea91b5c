"""Frames to readings: declared profiles, and virtual devices that speak their wire."""
