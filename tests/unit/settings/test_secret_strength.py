"""Tests which secrets are weak."""

import pytest
from support.tokens import OTHER_SECRET, SECRET

from tusd_py.settings.secret_strength import flaw_of_secret


@pytest.mark.parametrize(
    "text",
    ["abcdefgh", "admin123", "x" * 40, "changeme" * 4, "your-256-bit-secret-your-256-bit", "short",
     "a-string-secret-at-least-256-bits-long", "0123456789" * 4, "secretsecretsecretsecretsecretsecret"],
)  # fmt: skip
def test_weak_and_sample_secrets_have_a_flaw(text: str) -> None:
    assert flaw_of_secret(text)


@pytest.mark.parametrize("text", [SECRET, OTHER_SECRET, "correct horse battery staple and more"])
def test_other_secrets_have_no_flaw(text: str) -> None:
    assert flaw_of_secret(text) is None
