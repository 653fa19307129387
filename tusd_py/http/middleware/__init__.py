"""Holds the middleware that every request passes before its route."""
