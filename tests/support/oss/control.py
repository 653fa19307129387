"""The unsigned control path ``/-/`` for tests that run the server as a separate process.

``/-/faults``: POST a list of rules (fields of ``MatchRule``), GET them with the number of their
faults, DELETE them, which also releases the requests that they hold. ``/-/calls``: GET or DELETE.
``/-/age``: POST {"seconds": N}.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from support.oss.answers import Answer
from support.oss.calls import Calls
from support.oss.faults import Faults, MatchRule

PREFIX: Final = "/-/"


class Control:
    """What the control path changes and shows."""

    def __init__(self, faults: Faults, calls: Calls, age: Callable[[float], None]) -> None:
        self._faults = faults
        self._calls = calls
        self._age = age

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer a request below ``PREFIX`` with JSON.

        The status is 400 for a body that cannot be read, 404 for other paths.
        """
        try:
            match method, path.removeprefix(PREFIX):
                case "POST", "faults":
                    for rule in [MatchRule(**fields) for fields in json.loads(body)]:
                        self._faults.add(rule)
                case "DELETE", "faults":
                    self._faults.clear()
                case "GET", "faults":
                    return _json(self._faults.described())
                case "GET", "calls":
                    return _json([asdict(call) for call in self._calls.all()])
                case "DELETE", "calls":
                    self._calls.clear()
                case "POST", "age":
                    self._age(float(json.loads(body)["seconds"]))
                case _:
                    return Answer(404)
        except (ValueError, TypeError, KeyError) as error:
            return Answer(400, {"Content-Type": "text/plain"}, str(error).encode())
        return Answer(204)


def _json(value: Any) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())
