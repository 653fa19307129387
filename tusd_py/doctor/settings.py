"""Check settings that contradict each other, or the guarantees of the documents."""

import re
from typing import Final

from tusd_py.doctor.findings import Finding, note, ok, problem, warning
from tusd_py.settings.model import Settings

CHECK: Final = "settings"
_PLAIN_AND_FAR: Final = re.compile(r"http://(?!localhost[:/]|127\.|\[::1\])", re.IGNORECASE)


def judge_settings(settings: Settings) -> list[Finding]:
    """Return the findings about the settings alone."""
    found = [
        *_parts(settings),
        *_access(settings),
        *_cors(settings),
        *_jobs(settings),
        *_limits(settings),
    ]
    return found or [ok(CHECK, "They do not contradict each other.")]


def _parts(settings: Settings) -> list[Finding]:
    mysql = bool(settings.mysql.data_source.get_secret_value())
    redis, rabbitmq = bool(settings.redis.addr), bool(settings.rabbitmq.host)
    if redis and not mysql:
        return [
            warning(
                f"{CHECK}.parts",
                "With Redis several servers may share the data directory, but the catalog in it is "
                "SQLite, which holds for the processes of one machine only.",
                "Set mysql.data_source.",
            )
        ]
    if (mysql or rabbitmq) and not redis:
        return [
            note(
                f"{CHECK}.parts",
                "Without Redis one server has the data directory to itself, and shows only the "
                "progress of the workers of its own machine.",
                "Set redis.addr before a second server is started.",
            )
        ]
    if mysql and not rabbitmq:
        return [
            note(
                f"{CHECK}.parts",
                "Without RabbitMQ the queue is SQLite, which wakes the workers of one machine "
                "only.",
                "Set rabbitmq.host when workers run on other machines.",
            )
        ]
    return []


def _access(settings: Settings) -> list[Finding]:
    if settings.lacks_identity:
        return [
            problem(
                f"{CHECK}.auth",
                "auth.required is set, but no source of users is: the server refuses to start.",
                "Set auth.access_secret or auth.jwks_url.",
            )
        ]
    if settings.open_to_strangers:
        return [_reachable(settings)]
    return _tokens(settings)


def _tokens(settings: Settings) -> list[Finding]:
    auth, check, found = settings.auth, f"{CHECK}.auth", []
    if auth.enabled and settings.allow_anonymous:
        found.append(
            note(
                f"{CHECK}.allow_anonymous",
                "It has no effect: every user needs a token (auth).",
                "Take it out.",
            )
        )
    if auth.jwks_url and not (auth.issuer and auth.audience):
        found.append(
            warning(
                check,
                "A token that the same issuer made for another service is accepted.",
                "Set auth.issuer and auth.audience.",
            )
        )
    if _PLAIN_AND_FAR.match(auth.jwks_url):
        found.append(
            warning(
                f"{CHECK}.jwks_url",
                "The keys come over plain HTTP: an attacker on the path can replace them.",
                "Give it by https.",
            )
        )
    return found


def _reachable(settings: Settings) -> Finding:
    if settings.allow_anonymous:
        return note(
            f"{CHECK}.host",
            f"Everyone who reaches {settings.host} may do everything (allow_anonymous).",
            "Make sure that a network or a proxy keeps strangers out.",
        )
    return problem(
        f"{CHECK}.host",
        f"{settings.host} can be reached by others, and no user has to authenticate: the server "
        "refuses to start.",
        "Set auth.access_secret or auth.jwks_url, or set host to 127.0.0.1.",
    )


def _cors(settings: Settings) -> list[Finding]:
    if settings.auth.enabled or "*" not in (settings.cors.allow_origins or ()):
        return []
    return [
        problem(
            f"{CHECK}.cors",
            "Every web page may use the server, and no authentication is set: the server refuses "
            "to start.",
            "List the origins in cors.allow_origins, or set auth.access_secret or auth.jwks_url.",
        )
    ]


def _jobs(settings: Settings) -> list[Finding]:
    jobs, check = settings.jobs, f"{CHECK}.jobs"
    if jobs.renew_every >= jobs.lease:
        return [
            problem(
                check,
                f"A worker renews its lease of {jobs.lease:g} s only every {jobs.renew_every:g} s: "
                "every long job is taken away from it.",
                "Set jobs.renew_every to a quarter of jobs.lease.",
            )
        ]
    if jobs.renew_every > jobs.lease / 2:
        return [
            warning(
                check,
                f"One missed renewal (every {jobs.renew_every:g} s) loses a lease of "
                f"{jobs.lease:g} s, and the job begins again.",
                "Set jobs.renew_every to a quarter of jobs.lease.",
            )
        ]
    return []


def _limits(settings: Settings) -> list[Finding]:
    found = []
    if settings.durability == "off":
        found.append(
            warning(
                f"{CHECK}.durability",
                "Nothing is synced: a power cut loses acknowledged uploads.",
                "Set durability to finish; off is for benchmarks.",
            )
        )
    if settings.max_size == 0:
        found.append(
            note(
                f"{CHECK}.max_size",
                "Uploads may have any size, and one of them can fill the disk.",
                "Set max_size.",
            )
        )
    if settings.upload_expires == 0:
        found.append(
            note(
                f"{CHECK}.upload_expires",
                "Unfinished uploads stay for ever.",
                "Set upload_expires, e.g. to 168h.",
            )
        )
    if settings.media.sandbox == "off" and settings.media.compress:
        found.append(
            warning(
                f"{CHECK}.sandbox",
                "ffmpeg reads strangers' files without a sandbox.",
                "Set media.sandbox to auto.",
            )
        )
    return found
