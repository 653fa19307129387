"""What operators read about a service that fails."""

import pytest

from tusd_py.domain.service_failure import failure_text


@pytest.mark.parametrize(
    ("part", "address", "said", "text"),
    [
        (
            "the queue, RabbitMQ",
            "h:5672/",
            "Connection refused",
            "the queue, RabbitMQ at h:5672/: Connection refused",
        ),
        ("the locks, Redis", "", "a\n  b", "the locks, Redis: a b"),
        ("the catalog", "h", "", "the catalog at h: no reason was given"),
        (
            "the bucket",
            "https://u:canary@h/b?sig=canary",
            "https://u:canary@h",
            "the bucket at https://********@h/b?********: https://********@h",
        ),
    ],
)
def test_it_names_part_address_and_words_but_no_secret(
    part: str, address: str, said: str, text: str
) -> None:
    assert failure_text(part, address, said) == text
