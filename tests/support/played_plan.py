"""The plan of an upload by our client, step by step, against answers that the test makes."""

import httpx

from tusd_py.client.errors import TransientFailure
from tusd_py.client.file_upload import Sleep, UploadPlan, UploadResult
from tusd_py.client.messages import Request, Response


def response(status: int, content: bytes = b"", **headers: str) -> Response:
    """Return an answer; an underscore in a header's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, httpx.Headers(named), content)


class PlayedPlan:
    """Plays a plan: ``step`` is what it does next, or its result."""

    def __init__(self, plan: UploadPlan) -> None:
        self.plan = plan
        self.step: Request | Sleep | UploadResult = next(plan)

    def receives(self, given: Response | TransientFailure) -> Request | Sleep | UploadResult:
        """Give the plan what came of its request; return the next step."""
        try:
            self.step = (
                self.plan.throw(given)
                if isinstance(given, TransientFailure)
                else self.plan.send(given)
            )
        except StopIteration as end:
            self.step = end.value
        return self.step

    def request(self) -> tuple[str, str, dict[str, str]]:
        """Return method, address and headers of the present step, which is a request."""
        assert isinstance(self.step, Request)
        return self.step.method, self.step.url, dict(self.step.headers)
