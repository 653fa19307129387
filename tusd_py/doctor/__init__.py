"""Looks at a configuration, or at a deployment from outside, and says what is wrong with it.

Rule 1: what was seen (facts) and what it means (findings) are apart: a verdict is a plain function of
plain values. Rule 2: a check changes nothing that stays. Rule 3: a finding tells no secret, and no
words of a tool or a library.
"""
