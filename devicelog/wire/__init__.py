"""Bytes to frames and frames to bytes: one module a framing style. Pure."""
