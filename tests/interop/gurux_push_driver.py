"""Hears what a meter pushes with the gurux-dlms library, and prints it: one line of JSON for each push.

    python gurux_push_driver.py hdlc DEVICE COUNT [ENCRYPTION_KEY AUTHENTICATION_KEY]
    python gurux_push_driver.py wrapper COUNT [ENCRYPTION_KEY AUTHENTICATION_KEY]

`wrapper` listens on a free port of the loopback and prints its number first. The library is GPL-2.0, so this is a
program of its own that nothing here imports.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.secure.GXDLMSSecureClient import GXDLMSSecureClient


def main() -> None:
    kind, *rest = sys.argv[1:]
    if kind == "hdlc":
        device, count, *keys = rest
        sources = portions_of(device)
        interface = InterfaceType.HDLC
    else:
        count, *keys = rest
        sources = connections()
        interface = InterfaceType.WRAPPER
    heard = 0
    buffer = GXByteBuffer()
    for portion in sources:
        buffer.set(bytearray(portion))
        while (said := notification(buffer, interface, keys)) is not None:
            print(json.dumps(said), flush=True)
            heard += 1
            if heard == int(count):
                return


def portions_of(device: str) -> Iterator[bytes]:
    descriptor = os.open(device, os.O_RDONLY | os.O_NOCTTY)
    print("listening", flush=True)
    while True:
        yield os.read(descriptor, 4096)


def connections() -> Iterator[bytes]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            with server.accept()[0] as connection:
                while data := connection.recv(4096):
                    yield data


def notification(buffer: GXByteBuffer, interface: InterfaceType, keys: list[str]) -> dict[str, object] | None:
    """The next whole notification, and its octets off the buffer; None while octets are missing."""
    client = GXDLMSSecureClient(True, 0, 0, Authentication.NONE, None, interface)
    if keys:
        client.ciphering.security = Security.AUTHENTICATION_ENCRYPTION
        client.ciphering.blockCipherKey, client.ciphering.authenticationKey = map(bytearray.fromhex, keys)
    reply, notify = GXReplyData(), GXReplyData()
    with contextlib.redirect_stdout(sys.stderr):  # the library talks
        client.getData(buffer, reply, notify)
    if not notify.isComplete() or notify.value is None:
        return None
    buffer.trim()
    values = [bytes(value).hex() if isinstance(value, bytes | bytearray) else value for value in notify.value]
    return {"time": str(notify.time), "values": values}


main()
