"""Media: telling types by content, probing, ffmpeg as data, and the sandbox around it."""
