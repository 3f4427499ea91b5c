"""devicelog: the flight recorder of a physiotherapy clinic."""

__version__ = "0.1.0"
