"""A network namespace whose only way out is a device of our own, which notes every packet: run by `unshare`.

    unshare --net --mount python -m tests.support.watched_network HOME

It serves the partners' side there, opens every page, and then calls outside itself. It prints, as JSON, what left the
machine before that and afterwards: if the second is empty, the watch sees nothing and the first means nothing.
"""

import contextlib
import ctypes
import fcntl
import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from datetime import datetime
from pathlib import Path
from typing import Final

from hexbeat import demonstration
from hexbeat.areas.area import load_area
from hexbeat.dashboard.pages.navigation import PAGES
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.page_runs import run_page
from tests.support.servers import ask, hexbeat_server, open_socket

DEVICE: Final = b"watch0"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP, RTF_UP = 0x890B, 0x8914, 0x8916, 0x1, 0x1
TCP, UDP = 6, 17
NAME_SERVER: Final = "192.0.2.53"  # an address for documentation: nobody has it
OUTSIDE: Final = ("192.0.2.1", 443)


class Route(ctypes.Structure):
    """rtentry of route(4)."""

    _fields_ = (
        ("pad1", ctypes.c_ulong), ("destination", ctypes.c_byte * 16), ("gateway", ctypes.c_byte * 16),
        ("mask", ctypes.c_byte * 16), ("flags", ctypes.c_ushort), ("pad2", ctypes.c_short), ("pad3", ctypes.c_ulong),
        ("pad4", ctypes.c_void_p), ("metric", ctypes.c_short), ("device", ctypes.c_char_p), ("mtu", ctypes.c_ulong),
        ("window", ctypes.c_ulong), ("irtt", ctypes.c_ushort),
    )  # fmt: skip


def open_watch() -> int:
    """Make the device, send everything that is not for this machine to it, and ask names of a server behind it."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE, IFF_TUN | IFF_NO_PI))
    any_address = struct.pack("HH4s8x", socket.AF_INET, 0, bytes(4))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        own = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton("10.77.0.2"))
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16s16s8x", DEVICE, own))
        for name in (b"lo", DEVICE):
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name, IFF_UP))
        parts = [(ctypes.c_byte * 16).from_buffer_copy(any_address) for _ in range(3)]
        route = Route(destination=parts[0], gateway=parts[1], mask=parts[2], flags=RTF_UP, device=DEVICE)
        fcntl.ioctl(control, SIOCADDRT, bytes(route))
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as names:
        names.write(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", names.name, "/etc/resolv.conf"], check=True)
    return device


def note_packets(device: int, notes: list[str]) -> None:
    """Write down where each packet of TCP or UDP goes. What the kernel says to its neighbours is none of them."""
    while True:
        packet = os.read(device, 65_536)
        version = packet[0] >> 4
        protocol = packet[9] if version == 4 else packet[6]
        start = (packet[0] & 15) * 4 if version == 4 else 40
        address = ipaddress.ip_address(packet[16:20] if version == 4 else packet[24:40])
        if protocol in {TCP, UDP}:
            notes.append(f"{address} {int.from_bytes(packet[start + 2 : start + 4], 'big')}")


def fill_store(home: Path) -> None:
    """Some demonstration events."""
    area = load_area("middlesbrough", home=home)
    today = datetime.now(area.tz).date()
    with Store.open(home) as store:
        demonstration.load_demonstration(store, ANALYST, area, events=300, seed=1, today=today, home=home)


def visit(home: str) -> dict[str, int]:
    """Open every page, and come by a foreign name and origin; the number of parts that each page drew."""
    environment = {"HEXBEAT_HOME": home, "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment, prepares=True) as url:
        assert ask(url, "/", {"Host": "evil.example.com"}).status == 403
        assert open_socket(url, {"Origin": "https://evil.example.com"}).status == 403
        drawn = {}
        for name in PAGES.values():
            drawn[name] = sum(message.WhichOneof("type") == "delta" for message in run_page(url, name))
        return drawn


def call_outside() -> None:
    """What must be noted: a question for a name, and a connection."""
    with contextlib.suppress(OSError):
        socket.getaddrinfo("hexbeat.example.com", 443)
    with contextlib.suppress(OSError), socket.create_connection(OUTSIDE, timeout=0.5):
        pass


def main() -> None:
    """Print the notes."""
    fill_store(Path(sys.argv[1]))
    notes: list[str] = []
    threading.Thread(target=note_packets, args=(open_watch(), notes), daemon=True).start()
    drawn = visit(sys.argv[1])
    before = list(notes)
    call_outside()
    print(json.dumps({"drawn": drawn, "visit": before, "watch": notes[len(before) :]}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
