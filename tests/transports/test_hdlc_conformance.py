"""The 22 cases of the HDLC conformance suite (abstract test suite for the data link layer), by their ids.

The meter has upper addresses 1 and 16, lower address 32, and all three address forms. "Silence" is no octet
sent until the client's response time-out.
"""

from __future__ import annotations

import pytest

from transports.crc import check_octets
from transports.hdlc import Frame, HdlcLine, HdlcParameters, ServerAddress
from transports.hdlc.frame import FrameCounters, FrameReceiver, Kind
from transports.hdlc.parameters import Negotiated

from .meters import echo, hdlc_line

SERVERS = {1: b"\x03", 2: ServerAddress(1, 32, 2).encode(), 4: ServerAddress(1, 32, 4).encode()}
CLIENT = b"\x21"
SNRM, DISC, RR, UA, DM, FRMR = 0x93, 0x53, 0x11, 0x73, 0x1F, 0x97
AARQ = b"\xe6\xe6\x00" + bytes.fromhex("601DA109060760857405080101BE10040E01000000065F1F040000181DFFFF")


class Client:
    """A client that sends any octets and notes what comes back within the response time-out of 2 s."""

    def __init__(self, line: HdlcLine | None = None, server: bytes = SERVERS[1]) -> None:
        self.line = line or hdlc_line()
        self.server = server
        self.now = 0.0

    def frame(self, control: int, information: bytes = b"", segmented: bool = False) -> bytes:
        return Frame(self.server, CLIENT, control, information, segmented).encode()

    def exchange(self, octets: bytes) -> list[Frame]:
        echo(self.line.receive_data(octets, self.now), self.now)
        answer = self.line.data_to_send()
        self.wait(2.0)
        answer += self.line.data_to_send()
        return FrameReceiver(FrameCounters()).receive_data(answer, 0.0)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.line.next_timer()) is not None and deadline <= end:
            echo(self.line.handle_timer(deadline), deadline)
        self.now = end

    def command(self, control: int, information: bytes = b"", segmented: bool = False) -> Frame | None:
        answers = self.exchange(self.frame(control, information, segmented))
        assert len(answers) <= 1
        if not answers:
            return None
        assert answers[0].poll
        assert (answers[0].destination, answers[0].source) == (CLIENT, self.server)
        return answers[0]

    def expect(self, control: int, answer: int, information: bytes = b"") -> Frame:
        frame = self.command(control, information)
        assert frame is not None
        assert frame.control == answer
        return frame


@pytest.mark.parametrize("size", SERVERS)
def test_HDLC_FRAME_P1_connect_and_disconnect(size: int) -> None:
    tester = Client(server=SERVERS[size])
    tester.expect(SNRM, UA)
    tester.expect(RR, 0x11)
    tester.expect(DISC, UA)
    tester.expect(DISC, DM)


def test_HDLC_FRAME_P2_inter_frame_timeout() -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    tester.line.receive_data(tester.frame(DISC)[:-1], tester.now)
    tester.wait(0.55)
    assert tester.line.data_to_send() == b""
    tester.expect(RR, 0x11)


def test_HDLC_FRAME_P3_inactivity_timeout() -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    tester.wait(22.0)
    tester.expect(DISC, DM)


@pytest.mark.parametrize("cut", [slice(1, None), slice(None, -1), slice(1, -1)], ids=["opening", "closing", "both"])
def test_HDLC_FRAME_N1_missing_flags(cut: slice) -> None:
    tester = Client()
    assert tester.exchange(tester.frame(SNRM)[cut]) == []
    tester.expect(DISC, DM)


@pytest.mark.parametrize("size", SERVERS)
@pytest.mark.parametrize("removed", [1, 2, 3])
def test_HDLC_FRAME_N2_too_short(size: int, removed: int) -> None:
    tester = Client(server=SERVERS[size])
    body = tester.frame(SNRM)[3 + removed : -3]
    body = bytes((0xA0, len(body) + 4)) + body
    assert tester.exchange(b"\x7e" + body + check_octets(body) + b"\x7e") == []
    tester.expect(SNRM, UA)


@pytest.mark.parametrize("nibble", sorted(set(range(16)) - {0xA}))
def test_HDLC_FRAME_N3_format_type(nibble: int) -> None:
    tester = Client()
    body = bytes((nibble << 4,)) + tester.frame(SNRM)[2:-3]
    assert tester.exchange(b"\x7e" + body + check_octets(body) + b"\x7e") == []
    tester.expect(DISC, DM)


@pytest.mark.parametrize("length", [0, 1, 6, 8, 9, 20, 255])
def test_HDLC_FRAME_N4_length(length: int) -> None:
    tester = Client()
    body = bytes((0xA0, length)) + tester.frame(SNRM)[3:-3]
    assert tester.exchange(b"\x7e" + body + check_octets(body) + b"\x7e") == []
    tester.expect(DISC, DM)


@pytest.mark.parametrize("control", [0xFF, 0x19, 0x1D, 0x73, 0x1F, 0x97, 0xF3])
def test_HDLC_FRAME_N5_unknown_control_field(control: int) -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    assert tester.expect(control, FRMR).information == bytes((control, 0x00, 0x01))
    tester.expect(SNRM, UA)


def test_HDLC_FRAME_N7_hcs_error() -> None:
    tester = Client()
    octets = bytearray(tester.frame(SNRM, Negotiated().encode()))
    octets[6] ^= 0xFF
    octets[-3:-1] = check_octets(octets[1:-3])
    assert tester.exchange(bytes(octets)) == []
    assert tester.line.counters.hcs_errors == 1
    tester.expect(DISC, DM)


def test_HDLC_FRAME_N8_fcs_error() -> None:
    tester = Client()
    octets = bytearray(tester.frame(SNRM))
    octets[-2] ^= 0xFF
    assert tester.exchange(bytes(octets)) == []
    assert tester.line.counters.fcs_errors == 1
    tester.expect(DISC, DM)


@pytest.mark.parametrize("size", SERVERS)
def test_HDLC_ADDRESS_P1_declared_forms(size: int) -> None:
    tester = Client(server=SERVERS[size])
    tester.expect(SNRM, UA)
    tester.expect(DISC, UA)


def test_HDLC_ADDRESS_N1_client_address_of_two_octets() -> None:
    tester = Client()
    assert tester.exchange(Frame(SERVERS[1], b"\x02\x21", SNRM).encode()) == []
    tester.expect(DISC, DM)


@pytest.mark.parametrize(
    "server",
    [ServerAddress(upper, None, 1) for upper in (0x00, 0x02, 0x0F, 0x7F)]
    + [ServerAddress(upper, lower, 2) for upper, lower in ((0, 32), (1, 0), (1, 1), (1, 15), (0x7F, 32), (1, 0x7F))]
    + [ServerAddress(upper, lower, 4) for upper, lower in ((0, 32), (1, 0), (1, 1), (0x3FFF, 32), (1, 0x3FFF))],
    ids=str,
)
def test_HDLC_ADDRESS_N4_unknown_destination(server: ServerAddress) -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    assert tester.exchange(Frame(server.encode(), CLIENT, SNRM).encode()) == []
    tester.expect(DISC, UA)


def test_HDLC_ADDRESS_N6_one_octet_where_two_meters_share_the_line() -> None:
    line = hdlc_line()
    line.attach("other", lambda: 33, lambda: (1, 16), HdlcParameters)
    tester = Client(line)
    assert tester.command(SNRM) is None
    tester.server = SERVERS[2]
    tester.expect(DISC, DM)


@pytest.mark.parametrize("server", [b"\x02\x00\x41", b"\x00\x02\x00\x40\x03"], ids=["3", "5"])
def test_HDLC_ADDRESS_N7_three_and_five_octets(server: bytes) -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    assert tester.exchange(Frame(server, CLIENT, SNRM).encode()) == []
    tester.expect(DISC, UA)


def test_HDLC_NDM2NRM_P1_maximum_information_field() -> None:
    answer = Client().expect(SNRM, UA, Negotiated(2030, 2030, 1, 1).encode())
    limits = Negotiated.decode(answer.information)
    assert (limits.info_transmit, limits.info_receive) == (512, 128)


def test_HDLC_NDM2NRM_P2_window_size() -> None:
    tester = Client(hdlc_line(HdlcParameters(window_transmit=3, window_receive=7)))
    answer = tester.expect(SNRM, UA, Negotiated(128, 128, 4, 4).encode())
    assert answer.information.endswith(bytes.fromhex("07 04 00000003 08 04 00000004"))


def test_HDLC_INFO_P1_information_in_one_frame_and_in_several() -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    answer = tester.expect(0x10, 0x30, AARQ)
    assert answer.information == b"\xe6\xe7\x00" + AARQ[3:]
    for number, part in enumerate((AARQ[:1], AARQ[1:10], AARQ[10:20]), start=1):
        acknowledged = tester.command(0x30 | number << 1, part, segmented=True)
        assert acknowledged is not None
        assert acknowledged.control == 0x11 | (number + 1) << 5
    last = tester.command(0x30 | 4 << 1, AARQ[20:])
    assert last is not None
    assert last.kind is Kind.I
    assert last.information == answer.information


def test_HDLC_INFO_N1_information_too_long() -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    assert tester.expect(0x10, FRMR, AARQ + bytes(128 - len(AARQ) + 1)).information == bytes((0x10, 0x00, 0x04))
    tester.expect(SNRM, UA)


def test_HDLC_INFO_N2_wrong_receive_number() -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    assert tester.expect(0x31, FRMR).information == bytes((0x31, 0x00, 0x08))
    tester.expect(SNRM, UA)


def test_HDLC_INFO_N3_wrong_send_number() -> None:
    tester = Client()
    tester.expect(SNRM, UA)
    tester.expect(0x12, 0x11, AARQ)


def test_HDLC_NDMOP_N1_information_frame_when_disconnected() -> None:
    tester = Client()
    tester.expect(0x10, DM, AARQ)
    tester.expect(DISC, DM)


@pytest.mark.parametrize(
    "information",
    ["81800309010 1", "8180020501", "818004050200", "80", "8181030501FF", "8180030501 00", "81800705050000000001"],
)
def test_an_snrm_that_cannot_be_accepted_gets_dm(information: str) -> None:
    tester = Client()
    tester.expect(SNRM, DM, bytes.fromhex(information.replace(" ", "")))
    tester.expect(DISC, DM)


def test_user_data_in_an_snrm_are_tolerated() -> None:
    Client().expect(SNRM, UA, Negotiated().encode() + b"\xf0\x01\x02\x03")
