"""The use cases of uploads: ports in, domain out, no status codes."""
