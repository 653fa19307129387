"""BLAKE3 of growing files, and the checksum algorithms of tus."""
