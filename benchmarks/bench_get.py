"""Server CPU of a GET over the wrapper, as a ratio to a bare asyncio protocol that answers fixed octets.

    python benchmarks/bench_get.py [--connections 50] [--requests 40000] [--rounds 5]

Both servers run in subprocesses and are asked by 50 connections at once. CPU is read from the kernel's per-process
accounting. Rounds alternate between the servers, the median of their ratios counts. Targets: a static attribute at
most 2.0, the live energy register 1.1.1.8.0.255 at most 2.5.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

BARE = """
import asyncio, sys
class Bare(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(ANSWER)
ANSWER = bytes.fromhex(sys.argv[1])
bytearray(1 << 22)  # once freed, malloc keeps asyncio's 256 KiB read buffers instead of mapping each anew
async def main():
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

AARQ = bytes.fromhex(
    "6033a1090607608574050801018a0207808b0760857405080201ac0780053132333435be10040e01000000065f1f040000fe1fffff"
)
STATIC = bytes.fromhex("c001c1000101016001 00ff0200")
LIVE = bytes.fromhex("c001c100030101010800ff0200")


def wrap(apdu: bytes) -> bytes:
    return b"\x00\x01\x00\x12\x00\x10" + len(apdu).to_bytes(2, "big") + apdu


def cpu_ns(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def connect(port: int, count: int, hello: bytes | None) -> list[socket.socket]:
    sockets = []
    for _ in range(count):
        peer = socket.create_connection(("127.0.0.1", port))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hello is not None:
            peer.sendall(hello)
            assert len(peer.recv(4096)) > 8
        sockets.append(peer)
    return sockets


def load(sockets: list[socket.socket], request: bytes, answer_size: int, total: int) -> None:
    """Every connection asks, then every answer is taken, until `total` answers are in.

    Client and server share one CPU and do not preempt each other (SCHED_BATCH), so the server finds the
    connections ready at once, as a loaded server does.
    """
    for _ in range(total // len(sockets)):
        for peer in sockets:
            peer.send(request)
        for peer in sockets:
            size = len(peer.recv(4096))
            assert size == answer_size, (size, answer_size)


def start(arguments: list[str]) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--requests", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    meter, line = start(["-m", "server.cli", "run", "--ephemeral", "--tcp", "127.0.0.1:0", "--json"])
    meter_port = int(json.loads(line)["endpoint"].rsplit(":", 1)[1])
    meter_sockets = connect(meter_port, options.connections, wrap(AARQ))
    results: dict[str, list[tuple[float, float]]] = {}
    for name, request in (("static", STATIC), ("live", LIVE)):
        meter_sockets[0].sendall(wrap(request))
        answer = meter_sockets[0].recv(4096)
        assert answer[8:12] == b"\xc4\x01\xc1\x00", answer.hex()
        bare, line = start(["-c", BARE, answer.hex()])
        bare_sockets = connect(int(line), options.connections, None)
        for sockets in (meter_sockets, bare_sockets):
            load(sockets, wrap(request), len(answer), options.requests // 4)  # warm up
        pairs = []
        for _ in range(options.rounds):
            costs = []
            for sockets, pid in ((bare_sockets, bare.pid), (meter_sockets, meter.pid)):
                before = cpu_ns(pid)
                load(sockets, wrap(request), len(answer), options.requests)
                costs.append((cpu_ns(pid) - before) / options.requests / 1000)
            pairs.append((costs[0], costs[1]))
        results[name] = pairs
        bare.terminate()
        bare.wait()
    meter.terminate()
    meter.wait()
    for name, pairs in results.items():
        ratio = statistics.median(ours / bare for bare, ours in pairs)
        bare_us = statistics.median(bare for bare, _ in pairs)
        ours_us = statistics.median(ours for _, ours in pairs)
        print(f"GET {name:6}: {ours_us:5.2f} µs of CPU, bare asyncio protocol {bare_us:5.2f} µs, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
