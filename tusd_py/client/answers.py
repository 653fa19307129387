"""Tell what a response means: success, a failure that may pass, or a refusal."""

from typing import Final

from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.messages import Response
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

MAX_SENTENCE: Final = 500
_TRANSIENT_STATUS: Final = (409, 423, 429)


def raise_for_status(answer: Response, *expected: int) -> None:
    """Check the status. Raises: TransientFailure: a later try may succeed; Refused: it will not."""
    status = answer.status
    if status in expected:
        return
    if status in _TRANSIENT_STATUS or status >= 500:
        raise transient_failure(answer)
    raise refusal(answer)


def transient_failure(answer: Response) -> TransientFailure:
    """Return the failure that a response means if a later one may differ."""
    wait = answer.headers.get("retry-after", "")
    seconds = float(wait) if wait.isdecimal() else 0.0
    return TransientFailure(f"the server answered {answer.status}", seconds)


def refusal(answer: Response) -> Refused:
    """Return the error that a refusal means, with the server's sentence and code."""
    if 300 <= answer.status < 400:
        return Refused(f"the server answered {answer.status}: redirects are not followed")
    try:
        problem = read_json_object(answer.content)
    except NotAJsonObject:
        problem = {}
    sentence, code = problem.get("detail"), problem.get("code")
    if isinstance(sentence, str) and sentence:
        return Refused(sentence[:MAX_SENTENCE], code if isinstance(code, str) else "")
    if answer.status < 300:
        return Refused(f"the server answered {answer.status}: is this a tus endpoint?")
    return Refused(f"the server answered {answer.status}")


def checked_offset(offset: int, size: int | None) -> int:
    """Return an offset that a server states.

    Args: size: of the file in bytes, None if it is not known yet.
    Raises: Refused: it is beyond the file's end.
    """
    if size is not None and offset > size:
        raise Refused("the server states an offset beyond the end of the file")
    return offset
