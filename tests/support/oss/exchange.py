"""One request from its first line to its answer.

It is routed, matched with the faults, checked, carried out and recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from support.oss.answers import Answer, error_answer
from support.oss.body import Body
from support.oss.calls import Call, Calls
from support.oss.faults import Effect, Fault, Faults
from support.oss.operations import operation_of
from support.oss.requests import OssError, OssRequest, parse_request
from support.oss.service import OssService
from support.oss.signatures import Access, check_signature

from tusd_py.clock import Clock


@dataclass(frozen=True)
class Endpoint:
    """What all exchanges share."""

    service: OssService
    access: Access
    clock: Clock
    faults: Faults
    calls: Calls


class _Dropped(Exception):
    """Raised when the request must be neither carried out nor answered."""


class Exchange:
    """One request and its answer."""

    def __init__(self, endpoint: Endpoint, body: Body, request_id: str) -> None:
        self._endpoint = endpoint
        self._body = body
        self._request_id = request_id
        self._operation = "unknown"
        self._request: OssRequest | None = None
        self._fault: Fault | None = None
        self._release = 0

    @property
    def fault(self) -> Effect | None:
        """Return the kind of the fault that the request met."""
        return self._fault.do if self._fault is not None else None

    def answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer | None:
        """Return the answer to be sent; None: close the connection instead."""
        answer: Answer | None
        try:
            answer = self._decided(method, target, headers)
        except (_Dropped, ConnectionError):
            answer = None
        if answer is not None and self.fault == "drop_after":
            if answer.file is not None:
                answer.file.close()
            answer = None
        self._note(answer)
        if self.fault == "stall":
            self._endpoint.faults.hold(self._release)
        return answer

    def _decided(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        try:
            self._request = parse_request(method, target, headers)
            self._operation = operation_of(self._request)
            answer = self._carried_out(self._request)
        except OssError as error:
            answer = error_answer(error, method, self._request_id)
        self._body.drain()
        return answer

    def _carried_out(self, request: OssRequest) -> Answer:
        self._fault, self._release = self._endpoint.faults.choose(self._operation, request)
        if self.fault == "drop":
            raise _Dropped
        if self._fault is not None and self.fault == "error":
            raise OssError(self._fault.status, self._fault.code, "as a test wants it")
        check_signature(request, self._endpoint.access, self._endpoint.clock.now())
        if request.method == "PUT" and request.key and not self._body.declared:
            raise OssError(411, "MissingContentLength")
        body = self._body.corrupted() if self.fault == "corrupt" else self._body
        return self._endpoint.service.carry_out(self._operation, request, body)

    def _note(self, answer: Answer | None) -> None:
        request = self._request
        self._endpoint.calls.add(
            Call(
                operation=self._operation,
                bucket=request.bucket if request else "",
                key=request.key if request else "",
                part_number=request.part_number if request else None,
                bytes=self._body.received,
                status=answer.status if answer else None,
            )
        )
