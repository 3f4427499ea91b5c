"""The first start: one page on loopback that ends in a configuration to save."""
