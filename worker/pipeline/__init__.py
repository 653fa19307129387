"""The pipeline: a table of steps; an attempt continues from the checkpoint of an earlier one."""
