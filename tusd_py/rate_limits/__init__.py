"""Limits the rates of users, within one process or for all servers."""
