"""Where finished objects live."""
