import pytest

from tusd_py.protocol.fields import Fields
from tusd_py.protocol.ietf.versions import UNNAMED, VERSION_FIELD, VERSIONS, version_of


def fields(**named: str) -> Fields:
    return Fields([(k.replace("_", "-").encode(), v.encode()) for k, v in named.items()])


def test_the_accepted_versions_are_those_that_clients_speak() -> None:
    assert list(VERSIONS) == [3, 4, 5, 6, 7, 8, 9, 10]
    for number, version in VERSIONS.items():
        assert version_of(fields(Upload_Draft_Interop_Version=f"{number}")) is version
        assert version.own_fields() == {VERSION_FIELD: str(number)}


@pytest.mark.parametrize("text", ["1", "2", "11", "999", "abc", "8.0", '"8"', "8, 8"])
def test_another_version_counts_as_none(text: str) -> None:
    assert version_of(fields(Upload_Draft_Interop_Version=text)) is UNNAMED
    assert version_of(fields()).own_fields() == {}


def test_version_3_says_the_opposite() -> None:
    old, new = VERSIONS[3], VERSIONS[4]
    assert old.completes(fields(Upload_Incomplete="?1")) is False
    assert old.completes(fields(Upload_Incomplete="?0")) is True
    assert old.completeness(complete=True) == {"Upload-Incomplete": "?0"}
    assert new.completes(fields(Upload_Complete="?1")) is True
    assert new.completeness(complete=False) == {"Upload-Complete": "?0"}
    assert new.completes(fields(Upload_Incomplete="?1")) is None
    assert old.completes(fields(Upload_Complete="?1")) is None


def test_what_differs_between_the_versions() -> None:
    table = {
        number: (
            version.without_completeness,
            version.typed,
            version.appended,
            version.lifetime,
            version.offset_refused,
            version.progress,
            version.overrun_ends,
            version.repeats,
            version.offset_by_get,
        )
        for number, version in VERSIONS.items()
    }
    assert table == {
        3: ("completes", False, 201, None, True, False, False, False, False),
        4: ("by length", False, 201, None, True, False, False, False, False),
        5: ("by length", False, 201, None, True, True, False, False, False),
        6: ("by length", True, 201, "expires", True, True, False, False, False),
        7: ("refused", True, 204, "max-age", False, True, False, False, False),
        8: ("refused", True, 204, "max-age", False, True, True, False, False),
        9: ("refused", True, 204, "max-age", False, True, True, True, True),
        10: ("refused", True, 204, "max-age", False, True, True, True, True),
    }
