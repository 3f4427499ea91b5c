"""The command line: noun, verb. Results on stdout, talk on stderr."""
