"""Every fuzzed input of the corpus, and a short run of each target.

``make fuzz`` runs for longer.
"""

import json

import pytest
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTILE_JSON = (
    b"[" * 100_000, b'{"a":' * 5000, b"NaN", b'{"exp": Infinity, "progress": NaN}', b'"\\ud800"',
    b'{"streams": null, "keys": {}, "id": []}', b'{"userId": 7, "exp": 1e999}',
    b'{"userId": "\\ud800", "tenant": "\\udfff", "exp": 1990000000}', b"9" * 5000,
    b'{"userId": 7, "exp": ' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0",
    b'data: {"status": {}}\n\n', b"data: [" + b"[" * 100_000 + b"\n\n", b"data: 7\n\n",
)  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_valid_and_harmful_inputs_of_the_corpus(name: str) -> None:
    target = TARGETS[name]
    for content in (*target.seeds, *HOSTILE_JSON):
        target.run(content)
    for _, content in target.corpus(name):
        target.run(content)


@st.composite
def spoiled(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Return a valid input with a few places changed, cut out or repeated; or any bytes."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        until = min(len(content), at + draw(st.integers(0, 20)))
        content[at:until] = draw(
            st.one_of(st.binary(max_size=8), st.just(bytes(content[at:until]) * 3))
        )
    return bytes(content)


@pytest.mark.parametrize("name", TARGETS)
def test_spoiled_inputs_are_refused_as_documented(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=60, derandomize=True)
    @given(st.one_of(spoiled(target.seeds), st.binary(max_size=200)))
    def refused_or_taken(content: bytes) -> None:
        target.run(content)

    refused_or_taken()


def test_the_seeds_are_valid_inputs() -> None:
    from tusd_py.jobs.queue.codec import decode
    from tusd_py.tasks.redis_state import read_message

    assert decode(TARGETS["job_message"].seeds[0]).user_id == 7
    assert read_message(TARGETS["task_state"].seeds[0].decode()).progress == 45
    assert json.loads(TARGETS["media_facts"].seeds[0])["streams"]
