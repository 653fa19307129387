"""The worker: takes jobs and carries each through the pipeline. Imports no HTTP."""
