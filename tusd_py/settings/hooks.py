"""Sets how an application is notified, and how it decides about new uploads."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.hook import HookEvent
from tusd_py.settings.section import Section
from tusd_py.settings.values import (
    Duration,
    FieldName,
    HookSecret,
)


class HooksSettings(Section):
    """Sets how an application decides about uploads and gets events (docs/hooks.md)."""

    url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+\S*)?$",
        description="Address that gets signed POST requests; empty: none",
    )
    secret: HookSecret = Field(
        SecretStr(""),
        description=(
            "Key that signs the requests (Standard Webhooks): whsec_ and base64, or any text; "
            "empty: they are not signed"
        ),
    )
    events: tuple[HookEvent, ...] = Field(
        tuple(event for event in HookEvent if event is not HookEvent.POST_RECEIVE),
        description=(
            "Events that are sent to the address; pre-create waits for its decision. post-receive "
            "is the progress of bodies that arrive"
        ),
    )
    progress_interval: Duration = Field(
        1.0, gt=0, description="Shortest time between two post-receive of one upload"
    )
    forward_headers: tuple[FieldName, ...] = Field(
        (),
        description=(
            "Header fields of the client's request that pre-create gets, e.g. X-Tenant; none by "
            "default, because Authorization and Cookie are secrets of the user"
        ),
    )
    format: Literal["tusd-py", "tusd"] = Field(
        "tusd-py", description="Members of the requests: our own, or those of tusd 2"
    )
    timeout: Duration = Field(
        5.0, gt=0, description="Time after which a request without an answer counts as failed"
    )
    give_up_after: Duration = Field(
        float(DAY_SECONDS),
        description="Time after which an event that can't be delivered is dropped",
    )
    callables: str = Field(
        "",
        pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$",
        description=(
            "module:name of a tusd_py.hooks.Hooks, whose functions are called in the server"
        ),
    )

    @model_validator(mode="after")
    def _forwarded_by_name(self) -> Self:
        if "*" in self.forward_headers:
            raise ValueError(
                "forward_headers: list the names; * would send secrets of users (Authorization, "
                "Cookie) to the application"
            )
        return self
