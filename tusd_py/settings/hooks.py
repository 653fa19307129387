"""Sets how an application is notified, and how it decides about new uploads."""

from typing import Literal

from pydantic import Field, SecretStr

from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.hook import HookEvent
from tusd_py.settings.section import Section
from tusd_py.settings.values import (
    Duration,
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
        tuple(HookEvent),
        description="Events that are sent to the address; pre-create waits for its decision",
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
