"""Runs the worker: it claims jobs and runs each through the pipeline. It imports no HTTP code."""
