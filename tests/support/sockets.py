"""The addresses on which processes listen, as the kernel lists them."""

import ipaddress
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_LISTENS: Final = "0A"


def addresses_that_listen(pid: int) -> set[str]:
    """Return the IP addresses on which the TCP sockets of a process listen."""
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # The process may have closed it.
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                own.add(target.removeprefix("socket:[").removesuffix("]"))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and fields[9] in own:
                found.add(_address(fields[1].partition(":")[0]))
    return found


def _address(words: str) -> str:
    """Return an address of /proc/net: words of 32 bits in the machine's order, in hexadecimal."""
    raw = b"".join(
        int(words[start : start + 8], 16).to_bytes(4, sys.byteorder)
        for start in range(0, len(words), 8)
    )
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
    address = ipaddress.ip_address(socket.inet_ntop(family, raw))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
