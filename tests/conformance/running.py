"""A meter in a process of its own, and peers that misbehave, for clients to meet."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SERIAL_NUMBER = 12345678
PASSWORD = "12345"
START = "2026-11-21T11:05:00+00:00"
"""12:05 at the meter, between two captures: no row is added while a test runs."""


class RunningMeter(NamedTuple):
    """Where the meter can be read."""

    address: str
    udp: str
    pty: str

    @property
    def hdlc(self) -> str:
        """HDLC over TCP, at the same port as the wrapper."""
        return f"hdlc://{self.address}"

    @property
    def endpoints(self) -> dict[str, str]:
        """Every way there, by name."""
        return {"tcp": self.address, "hdlc": self.hdlc, "udp": self.udp, "pty": self.pty}


def quick_profile(folder: Path, inherits: str = "382M") -> str:
    """A meter that answers its optical port as fast as the standard lets the quickest, so that tests need not wait."""
    profile = folder / "quick.toml"
    profile.write_text(
        f'name = "quick"\ninherits = "{inherits}"\n'
        "[iec62056_21]\nreaction_time_s = 0.001\ntt_s = 1.0\nident_to_data_s = 0.02\nack_to_data_s = 0.02\n"
        "[kmp]\nreaction_time_s = 0.0\n"
    )
    return str(profile)


@contextmanager
def running_meter(
    folder: Path, profile: str = "382M", start: str = START, hdlc_address: int = 32, *, dlms: bool = True
) -> Iterator[RunningMeter]:
    """`meter382 run` with a constant load, as a process."""
    configuration = folder / "meter.toml"
    configuration.write_text("[[meters]]\n" + (f"hdlc_address = {hdlc_address}\n" if dlms else ""))
    command = [sys.executable, "-m", "server.cli", "run", profile, "--ephemeral", "--json", "--start", start]
    command += ["--config", str(configuration)]
    command += ["--tcp", "127.0.0.1:0", "--optical", f"pty:{folder / 'optical'}"]
    command += ["--udp", "127.0.0.1:0"] if dlms else []
    command += ["--installation", "constant", "--serial-number", str(SERIAL_NUMBER)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = [json.loads(process.stdout.readline()) for _ in range(3 if dlms else 2)]
            names = {item["kind"]: item["endpoint"] for item in said}
            yield RunningMeter(names["tcp"].removeprefix("tcp://"), names.get("udp", ""), str(folder / "optical"))
        finally:
            process.terminate()


@contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A TCP port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server, "127.0.0.1:{1}".format(*server.getsockname())


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A TCP port that answers the first thing it hears with these octets and closes the connection."""
    with listener() as (server, address):

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield address
        thread.join()


class ScriptedPeer(NamedTuple):
    """A peer at this address, and what it has heard: one item for each answer it gave, and what came after."""

    address: str
    heard: list[bytes]


@contextmanager
def scripted(*answers: bytes, closes: bool = False) -> Iterator[ScriptedPeer]:
    """A TCP port that gives these answers, one to each thing it hears, and then listens on or `closes`."""
    with listener() as (server, address):
        heard: list[bytes] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                for answer in answers:
                    heard.append(connection.recv(4096))
                    connection.sendall(answer)
                while not closes and (octets := connection.recv(4096)):
                    heard.append(octets)

        thread = threading.Thread(target=serve)
        thread.start()
        yield ScriptedPeer(address, heard)
        thread.join()


@contextmanager
def silent_datagrams() -> Iterator[str]:
    """A UDP port that takes everything and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield "udp://127.0.0.1:{1}".format(*server.getsockname())


@contextmanager
def silent_pty() -> Iterator[str]:
    """A pseudo-terminal with nobody at its other end."""
    master, slave = os.openpty()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


def unused_address() -> str:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return "127.0.0.1:{1}".format(*server.getsockname())
