"""Speaks draft-ietf-httpbis-resumable-upload in pure functions, as ``tus1`` speaks tus 1.0.0.

The same commands come of it. ``versions`` has what differs between the versions of the draft.
"""
