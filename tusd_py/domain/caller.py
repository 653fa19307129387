"""Who is asking, and how far that reaches."""

from dataclasses import dataclass
from typing import Final

from tusd_py.domain.commands import Append, Command, Create, Discover
from tusd_py.domain.errors import LengthConflict, LengthExceeded, UploadNotFound, UploadTokenOnly
from tusd_py.domain.ids import ANONYMOUS, UploadId, UserId


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, or somebody to whom a user gave one upload."""

    user_id: UserId
    tenant: str = ""
    """The group whose members may share what is stored, where instant upload is set so; '': none."""
    roles: frozenset[str] = frozenset()
    """What the deployment's tokens say that the user may be, e.g. ``admin``."""
    priority: int = 0
    """Of the user's files at the workers; higher is sooner."""
    upload_id: UploadId | None = None
    """The one upload that can be reached; None: all of the user's."""
    length: int | None = None
    """That upload's length in bytes when it was given; None: it was not declared yet."""

    def reaches(self, upload_id: UploadId) -> bool:
        """Whether an upload, if it is the user's, is for this caller."""
        return self.upload_id is None or self.upload_id == upload_id

    def check_whole_user(self) -> None:
        """Raises: UploadTokenOnly: the caller has one upload, not the whole of the user's."""
        if self.upload_id is not None:
            raise UploadTokenOnly

    def check_command(self, command: Command) -> None:
        """Whether a command is within reach; whose the upload is, the use case looks.

        Raises: UploadTokenOnly: an upload can't be made with the token of another;
            UploadNotFound: another upload than the caller's one, as if it was not there;
            LengthConflict, LengthExceeded: another length than the one it was given for.
        """
        if self.upload_id is None or isinstance(command, Discover):
            return
        if isinstance(command, Create):
            raise UploadTokenOnly
        if command.upload_id != self.upload_id:
            raise UploadNotFound
        if isinstance(command, Append) and self.length is not None:
            if command.declared_length not in (None, self.length):
                raise LengthConflict
            if command.offset + (command.body_length or 0) > self.length:
                raise LengthExceeded(self.length)


EVERYBODY: Final = Caller(user_id=ANONYMOUS)
"""Whoever asks, where authentication is off (requirement S22)."""
