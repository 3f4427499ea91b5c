"""Readings to session events: rules as tables. Pure."""
