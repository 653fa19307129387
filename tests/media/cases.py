"""The files of the table: each has a name, a maker, and what is expected of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from media.measure import Seen

Check = Callable[["Seen"], Iterator[str]]
"""Examines what became of a file and yields a sentence for each fault."""
Maker = Callable[[Path], None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file of the table."""

    name: str
    """Also the name under which it is sent."""
    group: str
    expected: str
    make: Maker
    checks: tuple[Check, ...]
    after: bool = False
    """Whether it is sent when all others are done, since it has the bytes of another one."""
    picture: str = "0:V:0"
    """The stream of the sent file that is its content."""
    sound: str = "0:a:0"
    played: bool = False
    """Whether its web copy is played in Chromium too."""
    measured: bool = True
    """Whether the sent file shows the scene and can be measured itself."""


CASES: Final[list[Case]] = []


@dataclass
class Group:
    """The files of one maker module."""

    name: str
    names: set[str] = field(default_factory=set)

    def case(
        self, name: str, expected: str, *checks: Check, **how: object
    ) -> Callable[[Maker], Maker]:
        """Register the decorated maker as a file of the table."""

        def register(make: Maker) -> Maker:
            assert all(case.name != name for case in CASES), name
            CASES.append(
                Case(
                    name=name,
                    group=self.name,
                    expected=expected,
                    make=make,
                    checks=checks,
                    **how,  # type: ignore[arg-type]
                )
            )
            return make

        return register
