"""Every setting, its sections, and the sources that it comes from."""
