"""Runs redis-server."""

import os
import socket
from pathlib import Path

from topology.program import Program


def program(directory: Path, port: int, *, durable: bool, password: str) -> Program:
    """Return a Redis on loopback.

    Args: durable: whether acknowledged writes survive kill -9.
    """
    settings = [
        "bind 127.0.0.1",
        f"port {port}",
        f'dir "{directory}"',
        "daemonize no",
        'save ""',
        f"appendonly {'yes' if durable else 'no'}",
        f"requirepass {password}",
    ]

    def ready(pid: int, _output: str) -> bool:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.sendall(f"AUTH {password}\r\nINFO server\r\nPING\r\n".encode())
            answer = b""
            # While it loads its file it answers the second command with an error.
            while b"\r\n+PONG" not in answer and b"\r\n-" not in answer:
                received = connection.recv(65536)
                if not received:
                    return False
                answer += received
        # Another server on this port would answer too.
        return f"process_id:{pid}\r".encode() in answer and b"+PONG" in answer

    return Program(
        command=("redis-server", f"{directory}/redis.conf"),
        directory=directory,
        environment=os.environ,
        files={"redis.conf": "\n".join(settings) + "\n"},
        ready=ready,
    )
