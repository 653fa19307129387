"""Where unfinished bytes live."""
