"""Carries jobs to workers."""
