"""Pages: each a function of a visit; the table of routes says who may see it."""
