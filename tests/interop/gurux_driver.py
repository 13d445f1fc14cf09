"""A head-end on the gurux-dlms library, as a program of its own: it shares nothing with this project.

Run it as `python gurux_driver.py LINK ADDRESS CLIENT SERVER [PASSWORD [SECURITY]]`. LINK is `wrapper`,
`hdlc` (both over TCP, ADDRESS is HOST:PORT) or `serial` (HDLC, ADDRESS is a device). It associates, reads the
object list, then every attribute that the list lets it read, releases, and prints one JSON object:
`{"objects": N, "values": {"class/name/attribute": text}, "failures": {...}}`. gurux-dlms is GPL-2.0.

SECURITY is a JSON object: `mechanism` and `security` by the library's names, `suite`, `title`, `unicast`,
`authentication` and `dedicated` as hexadecimal octets, `signing` and `peer_signing` as raw keys, `short_names`,
`service_specific` for ciphering without general-protection, `setup` for the Security setup whose invocation counter is
looked up first, through the public client.
"""

from __future__ import annotations

import contextlib
import io
import json
import socket
import sys
import warnings

warnings.filterwarnings("ignore")

from gurux_dlms import GXByteBuffer, GXReplyData  # noqa: E402
from gurux_dlms.ecdsa import GXPrivateKey, GXPublicKey  # noqa: E402
from gurux_dlms.enums import Authentication, Conformance, InterfaceType, ObjectType, Security  # noqa: E402
from gurux_dlms.objects import GXDLMSData  # noqa: E402
from gurux_dlms.objects.enums import SecuritySuite  # noqa: E402
from gurux_dlms.secure import GXDLMSSecureClient  # noqa: E402

ASSOCIATIONS = (ObjectType.ASSOCIATION_LOGICAL_NAME, ObjectType.ASSOCIATION_SHORT_NAME)


class Port:
    """Octets over TCP or a serial device."""

    def __init__(self, link: str, address: str) -> None:
        if link == "serial":
            import serial

            self._serial = serial.Serial(address, 9600, timeout=3)
            self._socket = None
        else:
            host, port = address.rsplit(":", 1)
            self._serial = None
            self._socket = socket.create_connection((host, int(port)), timeout=5)

    def write(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.sendall(data)
        else:
            self._serial.write(data)

    def read(self) -> bytes:
        if self._socket is not None:
            data = self._socket.recv(65536)
        else:
            data = self._serial.read(max(1, self._serial.in_waiting))
        if not data:
            raise TimeoutError("no answer")
        return data


class HeadEnd:
    """One association with a meter."""

    def __init__(
        self, link: str, address: str, client: int, server: int, password: str | None, security: dict | None = None
    ) -> None:
        interface = InterfaceType.WRAPPER if link == "wrapper" else InterfaceType.HDLC
        said = security or {}
        authentication = Authentication.NONE if password is None else Authentication.LOW
        if "mechanism" in said:
            authentication = Authentication[said["mechanism"]]
        names = not said.get("short_names", False)
        self.client = GXDLMSSecureClient(names, client, server, authentication, password, interface)
        self.secure(said)
        self.port = Port(link, address)
        self.wrapper = link == "wrapper"

    def secure(self, said: dict) -> None:
        ciphering = self.client.ciphering
        ciphering.security = Security[said.get("security", "NONE")]
        self.client.useProtectedRelease = ciphering.security != Security.NONE
        ciphering.securitySuite = SecuritySuite(said.get("suite", 0))
        ciphering.systemTitle = bytes.fromhex(said.get("title", "47525800" + "00000001"))
        for name, attribute in (
            ("unicast", "blockCipherKey"),
            ("authentication", "authenticationKey"),
            ("dedicated", "dedicatedKey"),
        ):
            if name in said:
                setattr(ciphering, attribute, bytearray.fromhex(said[name]))
        if "signing" in said:
            own = GXPrivateKey.fromRawBytes(bytes.fromhex(said["signing"]))
            peer = GXPublicKey.fromRawBytes(bytes.fromhex(said["peer_signing"]))
            ciphering.signingKeyPair = (peer, own)
        if "counter" in said:
            ciphering.invocationCounter = said["counter"]
        if said.get("service_specific"):
            self.client.proposedConformance &= ~Conformance.GENERAL_PROTECTION

    def packet(self, data: bytes | None, reply: GXReplyData) -> None:
        if not data:
            return
        received = GXByteBuffer()
        notify = GXReplyData()
        self.port.write(bytes(data))
        while True:
            received.set(self.port.read())
            if self.client.getData(received, reply, notify):
                break
        if reply.error:
            raise ValueError(f"error {reply.error}")

    def ask(self, frames, reply: GXReplyData) -> None:
        for frame in frames if isinstance(frames, list) else [frames]:
            reply.clear()
            self.packet(frame, reply)
            while reply.isMoreData():
                self.packet(self.client.receiverReady(reply), reply)

    def open(self) -> None:
        reply = GXReplyData()
        if not self.wrapper:
            self.ask([self.client.snrmRequest()], reply)
            self.client.parseUAResponse(reply.data)
        self.ask(self.client.aarqRequest(), reply)
        self.client.parseAareResponse(reply.data)
        if self.client.authentication > Authentication.LOW:
            self.ask(self.client.getApplicationAssociationRequest(), reply)
            if self.client.useLogicalNameReferencing:  # with short names it proves by WRITE, which brings nothing back
                self.client.parseApplicationAssociationResponse(reply.data)

    def close(self) -> None:
        reply = GXReplyData()
        if self.wrapper:
            self.ask(self.client.releaseRequest(), reply)
        self.ask([self.client.disconnectRequest()] if not self.wrapper else [], reply)

    def objects(self):
        reply = GXReplyData()
        self.ask(self.client.getObjectsRequest(), reply)
        return self.client.parseObjects(reply.data, True, False)

    def attribute(self, item, index: int):
        reply = GXReplyData()
        self.ask(self.client.read(item, index), reply)
        return self.client.updateValue(item, index, reply.value)


def counter(link: str, address: str, setup: int) -> int:
    """The invocation counter of a Security setup, as the public client sees it."""
    public = HeadEnd(link, address, 16, 1, None)
    public.open()
    value = public.attribute(GXDLMSData(f"0.0.43.1.{setup}.255"), 2)
    public.close()
    return int(value)


def main(link: str, address: str, client: int, server: int, password: str | None, security: dict) -> dict:
    if "setup" in security:
        security["counter"] = counter(link, address, security["setup"]) + 1
    head_end = HeadEnd(link, address, client, server, password, security)
    head_end.open()
    objects = head_end.objects()
    values, failures = {}, {}
    # Capture objects first: the library needs them to parse a buffer.
    for item in objects:
        order = list(range(1, item.getAttributeCount() + 1))
        if item.objectType == ObjectType.PROFILE_GENERIC:
            order = [1, 3, 2, *order[3:]]
        for index in order:
            key = f"{int(item.objectType)}/{item.logicalName}/{index}"
            if int(item.getAccess(index)) & 1 == 0:
                continue
            if item.objectType in ASSOCIATIONS and index == 2:
                continue  # the object list was read and parsed already; the library cannot print it
            try:
                values[key] = str(head_end.attribute(item, index))
                if item.objectType == ObjectType.PROFILE_GENERIC and index == 2:
                    values[key] = f"{len(item.buffer)} rows"
            except Exception as error:
                failures[key] = repr(error)
    head_end.close()
    return {"objects": len(objects), "values": values, "failures": failures}


if __name__ == "__main__":
    arguments = sys.argv[1:]
    secret = arguments[4] if len(arguments) > 4 and arguments[4] else None
    protection = json.loads(arguments[5]) if len(arguments) > 5 else {}
    with contextlib.redirect_stdout(io.StringIO()):  # the library prints
        found = main(arguments[0], arguments[1], int(arguments[2]), int(arguments[3]), secret, protection)
    print(json.dumps(found))
