"""Dashboards as code: each builder stands beside the JSON that it writes."""
