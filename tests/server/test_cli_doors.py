"""The tool's side of the doors to the settings against peers that lose frames and say what makes no sense."""

from __future__ import annotations

import pytest

from conformance.endpoint import Endpoint
from conformance.errors import LoginRefused, ProtocolFault
from conformance.iec_client import IecClient, IecOptions
from conformance.kmp_client import KmpClient, KmpOptions
from server.cli.doors import IecDoor, KmpDoor, Refused
from tests.conformance.running import scripted
from transports.iec62056_21.meter_messages import Challenge, Data, Error, Identification
from transports.kmp import FROM_METER, encode_frame

ACK = b"\x06"
SILENCE = b""


def kmp_part(number: int, offset: int, total: int, octets: bytes) -> bytes:
    head = b"".join(item.to_bytes(2, "big") for item in (number, offset, total))
    return encode_frame(FROM_METER, 0x3F, b"\xb7" + head + octets)


def last_result(text: str) -> bytes:
    return kmp_part(0xFFFF, 0, len(text), text.encode())


def kmp_door(address: str) -> KmpDoor:
    return KmpDoor(KmpClient.connect(Endpoint.parse(f"kmp://{address}"), KmpOptions(timeout_s=0.1)))


class TestKmp:
    @pytest.mark.parametrize("result", ["done", "unfinished"])
    def test_a_part_whose_frame_was_lost_is_sent_once_more(self, result: str) -> None:
        with scripted(SILENCE, last_result(result), ACK) as peer:
            door = kmp_door(peer.address)
            door.write(30, b"15")
            door.close()
        assert len(peer.heard) == 3
        assert peer.heard[0] == peer.heard[2]

    def test_a_refusal_is_told_with_the_last_result(self) -> None:
        with scripted(SILENCE, last_result("day is 29; allowed: 1..28")) as peer:
            door = kmp_door(peer.address)
            with pytest.raises(Refused, match=r"day is 29; allowed: 1\.\.28"):
                door.write(30, b"29")
            door.close()

    @pytest.mark.parametrize("script", [(SILENCE, last_result("")), (SILENCE, last_result("done"), SILENCE)])
    def test_a_silence_that_nothing_explains_is_told_as_such(self, script: tuple[bytes, ...]) -> None:
        with scripted(*script) as peer:
            door = kmp_door(peer.address)
            with pytest.raises(Refused, match=r"not acknowledged within 0\.1 s"):
                door.write(30, b"29")
            door.close()

    @pytest.mark.parametrize(
        "part",
        [
            kmp_part(30, 0, 1, b"15"),
            kmp_part(30, 0, 2, b""),
            kmp_part(31, 0, 2, b"15"),
            kmp_part(30, 1, 2, b"15"),
        ],
    )
    def test_a_part_that_makes_no_sense_is_a_fault(self, part: bytes) -> None:
        with scripted(part) as peer:
            door = kmp_door(peer.address)
            with pytest.raises(ProtocolFault):
                door.read(30)
            door.close()

    @pytest.mark.parametrize("password", ["secret", "65536", "-1", ""])
    def test_a_password_that_is_no_number_of_16_bits_is_not_sent(self, password: str) -> None:
        with scripted() as peer:
            door = kmp_door(peer.address)
            with pytest.raises(LoginRefused, match="passwords are numbers up to 65535"):
                door.login(password)
            door.close()
        assert peer.heard == []


OPENING = (Identification("KAM", "5", " 68438BM4C3").encode(), Challenge("").encode(), ACK)


def iec_door(address: str) -> IecDoor:
    door = IecDoor(IecClient.connect(Endpoint.parse(f"iec://{address}"), IecOptions(timeout_s=0.2)))
    door.login("12345")
    return door


class TestIec:
    def test_a_refusal_is_told_with_the_last_result(self) -> None:
        reason = b"legal data: never changed"
        answer = Data(f"131.128.255({len(reason)};{reason.hex().upper()})")
        with scripted(*OPENING, Error("ER08 SETTING REFUSED").encode(), answer.encode()) as peer:
            door = iec_door(peer.address)
            with pytest.raises(Refused, match="legal data: never changed"):
                door.write(200, b"1")
            door.close()

    def test_without_a_last_result_the_error_message_is_told(self) -> None:
        script = (*OPENING, Error("ER01 UNKNOWN").encode(), Data("131.128.255(0;)").encode())
        with scripted(*script) as peer:
            door = iec_door(peer.address)
            with pytest.raises(Refused, match="ER01 UNKNOWN"):
                door.write(7, b"1")
            door.close()

    @pytest.mark.parametrize(
        "text",
        ["131.128.30(99999;31)", "131.128.30(2;31)x", "131.128.31(2;3135)", "131.128.30(2;313)", "131.128.30(1;3135)"],
    )
    def test_a_part_that_makes_no_sense_is_a_fault(self, text: str) -> None:
        with scripted(*OPENING, Data(text).encode()) as peer:
            door = iec_door(peer.address)
            with pytest.raises(ProtocolFault):
                door.read(30)
            door.close()
