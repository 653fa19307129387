"""Port of the ownership proofs."""

from collections.abc import Sequence
from typing import Protocol

from tusd_py.domain.file import File
from tusd_py.domain.ownership_proof import Question, Terms
from tusd_py.domain.upload import Upload


class OwnershipRepository(Protocol):
    """Keeps questions and challenges.

    Only a right answer shows whether a file is held by others.
    """

    def questions(self, file_hash: str) -> int:
        """Return how many unused questions there are about content with this source hash."""
        ...

    def add_questions(self, file_hash: str, questions: Sequence[Question]) -> None:
        """Keep questions that were drawn from content with this source hash."""
        ...

    def challenge(self, upload: Upload, terms: Terms, decoy: Question) -> bytes:
        """Challenge the upload's owner to prove that it has the content that it declares.

        The challenge uses up a question if another owner holds the content and the terms allow it;
        otherwise it is the decoy.

        Returns: the nonce.
        """
        ...

    def prove(self, upload: Upload, terms: Terms, answer: bytes) -> File | None:
        """Check the answer to the last challenge, once and within ``ANSWER_SECONDS``.

        If it is right and the file is still there, the upload's owner gets the file, and the upload
        is finished as an instant one.

        Returns: None if nothing was changed, save that the question is used up.
        Raises: UploadNotFound, UploadExpired, UploadTerminated.
        """
        ...
