"""The whole topology on one machine from Debian packages: what ``deploy/local`` runs.

How each server program is started privately stands here and nowhere else; the tests use it too.
"""
