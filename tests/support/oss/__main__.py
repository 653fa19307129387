"""Run the endpoint as a separate process until SIGTERM: ``python -m support.oss``."""

import argparse
import signal
from pathlib import Path

from support.oss.server import MIN_PART_BYTES, REGION, OssServer


def main() -> None:
    """Serve, and print the address when the server is ready."""
    arguments = _arguments()
    tokens = {arguments.access_key: arguments.token} if arguments.token else {}
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    server = OssServer(
        arguments.directory,
        keys={arguments.access_key: arguments.secret},
        tokens=tokens,
        region=arguments.region,
        buckets=tuple(arguments.bucket),
        min_part=arguments.min_part,
        port=arguments.port,
    ).start()
    print(f"listening on {server.url}", flush=True)  # noqa: T201  (for the process that started it)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="support.oss")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--token", help="the STS token the key must bring")
    parser.add_argument("--region", default=REGION)
    parser.add_argument("--bucket", action="append", required=True, help="may be given many times")
    parser.add_argument("--min-part", type=int, default=MIN_PART_BYTES)
    return parser.parse_args()


if __name__ == "__main__":
    main()
