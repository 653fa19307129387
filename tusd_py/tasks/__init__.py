"""The live view of tasks, and the streams of changes that clients subscribe to."""
