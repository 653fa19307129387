"""Tests how many owners a file needs before it is given for a proof."""

from tusd_py.domain.ownership_proof import OwnershipPolicy, owners_needed


def policy(most_owners: int, secret: bytes = b"s") -> OwnershipPolicy:
    return OwnershipPolicy(
        within_tenant=False, min_size=1, most_owners=most_owners, challenges_per_hour=1, secret=secret
    )  # fmt: skip


def test_the_secret_number_of_owners() -> None:
    hashes = [f"{number:064x}" for number in range(400)]
    needed = [owners_needed(policy(20), each) for each in hashes]
    assert set(needed) == set(range(2, 21))
    assert needed == [owners_needed(policy(20), each) for each in hashes], "always the same"
    assert needed != [owners_needed(policy(20, b"t"), each) for each in hashes]
    assert {owners_needed(policy(most), each) for most in (0, 1) for each in hashes} == {1}
    assert {owners_needed(policy(2), each) for each in hashes} == {2}
