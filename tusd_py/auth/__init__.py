"""Authenticates callers by session tokens, upload tokens and tickets.

It does not depend on HTTP.
"""
