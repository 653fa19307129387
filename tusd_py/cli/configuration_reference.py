"""Make docs/configuration.md from the settings.

Run ``python -m tusd_py.cli.configuration_reference``.
"""

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tusd_py.settings.model import Settings

HEAD = """# Configuration

Flags of `serve` win over environment variables, those over one YAML file (`--config`), and that
over the defaults. Sizes may be written `10GiB`, times `24h`; lists are separated by commas in the
environment. A variable or key without a value counts as not set; a list in a variable is empty
then. The keys of the file are those below, nested at the dots, or the original names
(`Host`, `Port`, `MaxBytes`, `Auth.AccessSecret`, `MySQL.DataSource`, `Redis.Addr`, `RabbitMQ.Host`,
...); `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET`, `OSS_REGION` and `OSS_BUCKET_NAME` work as they
are. An unknown key or variable, or an impossible value, is refused at start with its place named.
Variables that Kubernetes sets for a Service whose name begins with `tusd` (`TUSD_SERVICE_HOST`,
`TUSD_PORT=tcp://...` and the like) are passed over, and logged.

This page is made from the code:
`python -m tusd_py.cli.configuration_reference > docs/configuration.md`.

| setting | environment | default | meaning |
|---|---|---|---|
"""


def reference() -> str:
    """Return the page, as Markdown."""
    return HEAD + "".join(_rows(Settings, ()))


def _rows(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _rows(annotation, (*path, name))
        else:
            yield _row((*path, name), field)


def _row(path: tuple[str, ...], field: FieldInfo) -> str:
    variable = "TUSD_" + "__".join(path).upper()
    default = "number of cores" if field.default_factory else _default(field.default)
    return f"| `{'.'.join(path)}` | `{variable}` | {default} | {field.description} |\n"


def _default(value: object) -> str:
    if value is None:
        return "not set"
    if value == {}:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(f"`{entry}`" for entry in value) or "none"
    return f"`{value}`" if str(value) else "none"


if __name__ == "__main__":
    sys.stdout.write(reference())
