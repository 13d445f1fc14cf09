"""The whole load profile of an idle 382L, 57 312 rows of A+, over the wrapper; and the memory of an idle meter.

    python benchmarks/bench_load_profile.py [--pdu 2048]

The meter was commissioned 600 days ago and never read: the first read computes its history. The reader lies in
another process on loopback and only counts octets. CPU is the server's. The baseline is a bare asyncio protocol
that answers the same octets block by block in the same run. Targets: first read under 3 s on a one-minute grid and
under 0.5 s on a 15-minute grid; second read under 100 ms of CPU (1.75 µs a row); resident memory of an idle meter
under 90 MB.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_get import AARQ, cpu_ns, start, wrap

ROOT = Path(__file__).parent.parent
PROFILE = bytes.fromhex("c001c1000701016301 00ff0200")

CONFIG = """
[[meters]]
profile = "382L"
commissioned = {commissioned}
installation = {{ kind = "household", grid_s = {grid_s} }}
[[endpoints]]
kind = "tcp"
address = "127.0.0.1:0"
"""

BARE = """
import asyncio, sys, json
lengths = json.loads(sys.argv[1])
class Bare(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.answers = transport, iter([bytes(length) for length in lengths])
    def data_received(self, data):
        self.transport.write(next(self.answers))
bytearray(1 << 22)
async def main():
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Reader:
    """A wrapper client that asks and takes whole answers."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, apdu: bytes) -> bytes:
        self._socket.sendall(wrap(apdu))
        head = self._take(8)
        return self._take(int.from_bytes(head[6:], "big"))

    def take(self, request: bytes, size: int) -> None:
        self._socket.sendall(request)
        self._take(size)

    def _take(self, size: int) -> bytes:
        parts = []
        while size:
            data = self._socket.recv(min(size, 1 << 16))
            assert data
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def whole_profile(self) -> tuple[int, list[int]]:
        """Octets of the buffer, and of each answer."""
        answer = self.ask(PROFILE)
        lengths, octets = [len(answer) + 8], 0
        while True:
            assert (answer[:2], answer[8]) == (b"\xc4\x02", 0), answer[:16].hex()
            octets += len(answer) - 12
            if answer[3]:
                return octets, lengths
            answer = self.ask(b"\xc0\x02\xc1" + answer[4:8])
            lengths.append(len(answer) + 8)


def serve(grid_s: int, folder: str) -> tuple[subprocess.Popen[str], int]:
    begin = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - 600 * 86_400))
    path = Path(folder) / f"{grid_s}.toml"
    path.write_text(CONFIG.format(commissioned=begin, grid_s=grid_s))
    process, line = start(["-m", "server.cli", "run", "--config", str(path), "--ephemeral", "--json"])
    return process, int(json.loads(line)["endpoint"].rsplit(":", 1)[1])


def resident_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pdu", type=int, default=2048)
    options = parser.parse_args()
    aarq = AARQ[:-2] + options.pdu.to_bytes(2, "big")
    with tempfile.TemporaryDirectory() as folder:
        for grid_s in (60, 900):
            process, port = serve(grid_s, folder)
            if grid_s == 60:
                print(f"resident memory of an idle meter: {resident_mb(process.pid):.0f} MB")
            reader = Reader(port)
            for number in ("first", "second", "third"):
                cpu, wall = cpu_ns(process.pid), time.perf_counter()
                if number == "first":
                    reader.ask(aarq)  # is there supply? that is the first look at its history
                octets, lengths = reader.whole_profile()
                cpu_ms = (cpu_ns(process.pid) - cpu) / 1e6
                elapsed = time.perf_counter() - wall
                rows = (octets - 4) // 31
                text = f"{grid_s:3} s grid, {number} read: {rows} rows in {len(lengths)} blocks, "
                text += f"{elapsed:.2f} s, {cpu_ms:.0f} ms of CPU"
                print(text + (f", {cpu_ms * 1000 / rows:.2f} µs a row" if number != "first" else ""))
            print(f"resident memory then: {resident_mb(process.pid):.0f} MB")
            process.terminate()
            process.wait()
        bare, line = start(["-c", BARE, json.dumps(lengths)])
        reader = Reader(int(line))
        cpu = cpu_ns(bare.pid)
        for length in lengths:
            reader.take(wrap(b"\xc0\x02\xc1\x00\x00\x00\x00"), length)
        bare_ms = (cpu_ns(bare.pid) - cpu) / 1e6
        bare.terminate()
        print(f"bare asyncio protocol, the same octets: {bare_ms:.0f} ms, ratio {cpu_ms / bare_ms:.2f}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
