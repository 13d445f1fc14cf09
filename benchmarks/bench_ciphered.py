"""Server CPU of a ciphered GET over the wrapper, as a ratio to the same GET in plain, in the same run.

    python benchmarks/bench_ciphered.py [--connections 50] [--requests 20000] [--rounds 5]

One 382M-secure answers both: client 18 in plain, client 53 with HLS GMAC, authenticated and encrypted under the global
unicast key of suite 0, every connection with a system title and counters of its own. CPU is read from the kernel's
per-process accounting; requests are sealed before the clock starts. Rounds alternate, the median of their ratios
counts.
Target: at most 2.5, for a static attribute and for the live energy register 1.1.1.8.0.255.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench_get import AARQ, LIVE, STATIC, cpu_ns, start

from cosem.acse import Mechanism
from cosem.client import Client, Exchange
from cosem.client_security import INITIATE, ClientSecurity
from cosem.security.hls import Gmac
from cosem.security.invocation import ReceiveCounters, SendCounter
from cosem.security.keys import KeyId, Keys
from cosem.security.security_context import SecurityContext
from cosem.security.suites import SUITE_0
from server.security.secrets_at_rest import DOCUMENTED
from transports.wrapper import encode_wpdu

CIPHERED, PLAIN = 53, 18
METER = b"KAME" + (12345678).to_bytes(4, "big")


class Peer:
    """A connection with an association; `seal` gives the next request as it goes over the wire."""

    def __init__(self, port: int, number: int, ciphered: bool) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.context: SecurityContext | None = None
        if not ciphered:
            assert self._ask(encode_wpdu(PLAIN, 16, AARQ))[8] == 0x61
            return
        stored = DOCUMENTED[0].keys
        keys = Keys(SUITE_0, stored[KeyId.GLOBAL_UNICAST], stored[KeyId.AUTHENTICATION])
        counters = SendCounter(1, lambda limit: None), ReceiveCounters({}, lambda channel, lowest: None)
        self.context = SecurityContext(keys, b"BENC" + number.to_bytes(4, "big"), METER, *counters, secrets.token_bytes)
        security = ClientSecurity(Mechanism.HIGH_GMAC, self.context, secrets.token_bytes, Gmac(self.context))
        self._run(Client(security=security).associate())

    def _ask(self, request: bytes) -> bytes:
        self.socket.sendall(request)
        return self.socket.recv(4096)

    def _run(self, exchange: Exchange) -> None:
        request = next(exchange)
        try:
            while True:
                request = exchange.send(self._ask(encode_wpdu(CIPHERED, 16, request))[8:])
        except StopIteration:
            return

    def seal(self, request: bytes) -> bytes:
        if self.context is None:
            return encode_wpdu(PLAIN, 16, request)
        return encode_wpdu(CIPHERED, 16, self.context.seal(request, INITIATE))


def load(peers: list[Peer], request: bytes, rounds: int, pid: int) -> float:
    """Server CPU in microseconds a request: every connection asks, then every answer is taken, `rounds` times."""
    sealed = [[peer.seal(request) for peer in peers] for _ in range(rounds)]
    before = cpu_ns(pid)
    for requests in sealed:
        for peer, octets in zip(peers, requests, strict=True):
            peer.socket.send(octets)
        for peer in peers:
            answer = peer.socket.recv(4096)
            assert answer[8] == (0xC4 if peer.context is None else 0xCC), answer.hex()
    return (cpu_ns(pid) - before) / rounds / len(peers) / 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    meter, line = start(["-m", "server.cli", "run", "382M-secure", "--ephemeral", "--tcp", "127.0.0.1:0", "--json"])
    port = int(json.loads(line)["endpoint"].rsplit(":", 1)[1])
    plain = [Peer(port, number, False) for number in range(options.connections)]
    ciphered = [Peer(port, number, True) for number in range(options.connections)]
    rounds = options.requests // options.connections
    for name, request in (("static", STATIC), ("live", LIVE)):
        for peers in (plain, ciphered):
            load(peers, request, rounds // 4, meter.pid)  # warm up
        pairs = [
            (load(plain, request, rounds, meter.pid), load(ciphered, request, rounds, meter.pid))
            for _ in range(options.rounds)
        ]
        ratio = statistics.median(sealed / open_ for open_, sealed in pairs)
        plain_us, ciphered_us = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"GET {name:6}: ciphered {ciphered_us:5.2f} µs of CPU, plain {plain_us:5.2f} µs, ratio {ratio:.2f}")
    meter.terminate()
    meter.wait()


if __name__ == "__main__":
    main()
