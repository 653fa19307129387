"""Describes the caller of a request, and the uploads that the caller may access."""

from dataclasses import dataclass
from typing import Final

from tusd_py.domain.commands import Append, Command, Create, Discover
from tusd_py.domain.errors import LengthConflict, LengthExceeded, UploadNotFound, UploadTokenOnly
from tusd_py.domain.ids import ANONYMOUS, UploadId, UserId


@dataclass(frozen=True, slots=True)
class Caller:
    """Is a user, or the holder of a token for one upload of a user."""

    user_id: UserId
    tenant: str = ""
    """Group whose members may share what is stored, if instant upload allows it; '': none."""
    roles: frozenset[str] = frozenset()
    """Roles of the user according to the token, for example ``admin``."""
    priority: int = 0
    """Priority of the user's files at the workers; files with a higher number come first."""
    upload_id: UploadId | None = None
    """The only upload that the caller may access; None: all uploads of the user."""
    length: int | None = None
    """Length of that upload, in bytes, when its token was made; None: not declared by then."""

    def can_access(self, upload_id: UploadId) -> bool:
        """Return whether the caller may access an upload, provided that it belongs to the user."""
        return self.upload_id is None or self.upload_id == upload_id

    def require_full_user(self) -> None:
        """Raise an error for a caller of one upload.

        Raises: UploadTokenOnly: the caller has a token for one upload only.
        """
        if self.upload_id is not None:
            raise UploadTokenOnly

    def check_command(self, command: Command) -> None:
        """Raise an error if the caller may not send a command; the use case checks the owner.

        Raises: UploadTokenOnly: an upload cannot be created with the token of another;
            UploadNotFound: the command is for another upload than the caller's, as if there was
            none; LengthConflict, LengthExceeded: the length differs from the one that the token was
            made for.
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
"""The caller of every request where authentication is off (requirement S22)."""
