"""Defines the routes, with one module for each resource."""
