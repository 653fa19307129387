"""Attacks by bodies: chunks, trailers, forms and JSON."""

from attack_target import MIB, Target


def many_trailers(target: Target) -> bool:
    fields = b"".join(b"x-%07d: %s\r\n" % (n, b"a" * 110) for n in range(8_000))
    return target.flood(target.connect(), _chunked(target) + b"1\r\na\r\n0\r\n", fields, 200 * MIB)


def one_chunk_extension(target: Target) -> bool:
    return target.flood(target.connect(), _chunked(target) + b"1;", b"a" * MIB, 200 * MIB)


def one_byte_chunks(target: Target) -> bool:
    """Send whole bodies, which are all taken.

    What counts is that others are served meanwhile.
    """
    head = (
        f"POST /files/ HTTP/1.1\r\nHost: localhost:{target.port}\r\nTus-Resumable: 1.0.0\r\n"
        "Upload-Defer-Length: 1\r\nContent-Type: application/offset+octet-stream\r\n"
        "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    connections = [target.connect() for _ in range(60)]
    for piece in (head, *[b"1\r\na\r\n" * 40_000] * 12, b"0\r\n\r\n"):
        for connection in connections:
            target.send(connection, piece)
    return target.ended(connections)


def _chunked(target: Target) -> bytes:
    return (
        f"PATCH {target.prepared} HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
        "Upload-Offset: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()


def silent_forms(target: Target) -> bool:
    """Open as many forms as one address may have, silent before their file and within it."""
    head = (
        f"POST /api/file/upload HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        "Content-Length: 1000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    ).encode()
    file = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nx'
    connections = [target.connect() for _ in range(256)]
    for number, connection in enumerate(connections):
        target.send(connection, head + file * (number % 2))
    return target.ended(connections)


def silent_json(target: Target) -> bool:
    """Open as many bodies as one address may have, none of which ever comes."""
    head = (
        f"POST /api/file/upload/tickets HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        f"Content-Length: 100\r\nAuthorization: Bearer {target.prepared}\r\n\r\n"
    ).encode()
    connections = [target.connect() for _ in range(256)]
    for connection in connections:
        target.send(connection, head)
    return target.ended(connections)


def boundaries_within_a_file(target: Target) -> bool:
    """Send a form whose file is full of beginnings of its boundary."""
    head = (
        f"POST /api/file/upload HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        "Content-Type: multipart/form-data; boundary=bc\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    start = b'--bc\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    piece = b"\r\n--b" * 200_000
    head += b"%x\r\n%s\r\n" % (len(start), start)
    connection = target.connect()
    target.flood(connection, head, b"%x\r\n%s\r\n" % (len(piece), piece), 200 * MIB)
    return target.ended([connection])
