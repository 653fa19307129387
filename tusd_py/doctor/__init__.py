"""Check a configuration, or a deployment from outside, and report what is wrong with it.

Rule 1: facts (what was seen) and findings (what it means) are separate: a verdict is a function of
plain values. Rule 2: a check makes no lasting change. Rule 3: a finding contains no secret, and no
text of a tool or a library.
"""
