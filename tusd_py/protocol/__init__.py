"""Sans-I/O: header fields in, commands out; results in, status and header fields out."""
