"""Reads JSON from a client, another service or a tool.

``json.loads`` alone takes more than RFC 8259 allows (NaN, Infinity), raises RecursionError for deep
nesting, and returns texts with lone surrogates, which no database and no socket can encode.
"""

import json
import math
from typing import Any, NoReturn


class NotAJsonObject(ValueError):
    """Raised when bytes or a text are no JSON object that every part of this project can handle."""


def read_json_object(payload: bytes | str) -> dict[str, Any]:
    """Return the members of a JSON object.

    Every number in it is finite and every text can be encoded as UTF-8. Of members with the same
    name the last one counts. Source: RFC 8259, RFC 7493 (I-JSON, 2.1 and 2.2).

    Raises: NotAJsonObject.
    """
    try:
        text = payload.decode("utf-8") if isinstance(payload, bytes) else payload
        found = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\u" in text or isinstance(payload, str):
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise NotAJsonObject("not JSON") from error
    if not isinstance(found, dict):
        raise NotAJsonObject("not a JSON object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond what a float holds")
    return number
