"""Renditions of films: posters, storyboards, subtitles and HLS."""
