"""The pipeline: a table of steps, each of which can be taken up where an attempt broke off."""
