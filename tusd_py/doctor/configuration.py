"""Choose the checks of a configuration; a part without an address is not checked."""

from tusd_py.clock import Clock
from tusd_py.doctor.disk import check_disk
from tusd_py.doctor.findings import Finding
from tusd_py.doctor.media import check_media
from tusd_py.doctor.run import Check
from tusd_py.doctor.settings import judge_settings
from tusd_py.settings.model import Settings


def configuration_checks(
    settings: Settings, *, clock: Clock, rabbitmqctl: str | None
) -> list[Check]:
    """Return the checks of everything that the settings name.

    Args: rabbitmqctl: see ``rabbitmq.check_rabbitmq``.
    """

    # Clients of services are extras, so that they are imported only for their check.
    def mysql() -> list[Finding]:
        from tusd_py.doctor.mysql import check_mysql

        return check_mysql(settings, clock)

    def redis() -> list[Finding]:
        from tusd_py.doctor.redis import check_redis

        return check_redis(settings)

    def rabbitmq() -> list[Finding]:
        from tusd_py.doctor.rabbitmq import check_rabbitmq

        return check_rabbitmq(settings, rabbitmqctl)

    def objects() -> list[Finding]:
        from tusd_py.doctor.objects import check_objects

        return check_objects(settings)

    def clamd() -> list[Finding]:
        from tusd_py.doctor.clamd import check_clamd

        return check_clamd(settings, clock)

    parts = [
        ("mysql", settings.mysql.data_source.get_secret_value(), mysql),
        ("redis", settings.redis.addr, redis),
        ("rabbitmq", settings.rabbitmq.host, rabbitmq),
        ("objects", settings.object_store != "local", objects),
        ("clamd", settings.scan.address, clamd),
    ]
    return [
        Check("settings", lambda: judge_settings(settings)),
        Check("disk", lambda: check_disk(settings)),
        Check("media", lambda: check_media(settings)),
        *(Check(name, look) for name, named, look in parts if named),
    ]
