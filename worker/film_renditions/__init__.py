"""Makes renditions of films: posters, storyboards, subtitles and HLS."""
