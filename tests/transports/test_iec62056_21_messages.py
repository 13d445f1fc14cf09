"""The messages of IEC 62056-21: how octets are cut, what each says, both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.iec62056_21.characters import BlockCheck, block_check, with_block_check, with_even_parity
from transports.iec62056_21.client_messages import (
    Acknowledge,
    Break,
    Command,
    Fault,
    OptionSelect,
    Repeat,
    Request,
    parse_client,
)
from transports.iec62056_21.framing import OF_CLIENTS, OF_METERS, Heard, MessageReader
from transports.iec62056_21.meter_messages import (
    Challenge,
    Data,
    DataSet,
    Error,
    Identification,
    Value,
    data_sets,
    encode_push,
    identification_of,
    parse_meter,
    parse_push,
    readout_of,
)

from .meters import DATA, vectors

VECTORS = json.loads((DATA / "iec62056_21_vectors.json").read_text())
KINDS = {
    kind.__name__: kind
    for kind in (Acknowledge, Break, Challenge, Command, Data, Error, Identification, OptionSelect, Repeat, Request)
}


def cut(octets: bytes, limits: dict[int, int] = OF_CLIENTS, *, option_select: bool = True) -> list[Heard]:
    """The messages in these octets."""
    reader = MessageReader(limits)
    reader.option_select = option_select
    return [heard for octet in octets if (heard := reader.receive(octet)) is not None]


def client_says(octets: bytes, bcc: BlockCheck = "xor", *, option_select: bool = True) -> list[object]:
    """What a client says with these."""
    return [parse_client(heard.octets, bcc) for heard in cut(octets, option_select=option_select)]


def meter_says(octets: bytes, bcc: BlockCheck = "xor", *, option_select: bool = False) -> list[object]:
    """What a meter says with these."""
    return [parse_meter(heard.octets, bcc) for heard in cut(octets, OF_METERS, option_select=option_select)]


def expected(said: list[list[object]]) -> list[object]:
    """The messages a vector names."""
    return [Fault[str(name[0])] if kind == "Fault" else KINDS[str(kind)](*name) for kind, *name in said]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['id']} {vector['name']}")
def test_public_vectors_both_ways(vector: dict[str, object]) -> None:
    octets = bytes.fromhex(str(vector["hex"]))
    messages = expected(vector["says"])  # type: ignore[arg-type]
    if vector["side"] == "push":
        pushed = parse_push(octets)
        assert (pushed is not None) == bool(messages)
        assert pushed is None or (pushed[0] == messages[0] and encode_push(*pushed) == octets)
        return
    says = client_says if vector["side"] == "client" else meter_says
    assert says(octets) == messages
    if not any(isinstance(message, Fault) for message in messages):
        assert b"".join(message.encode() for message in messages) == octets  # type: ignore[attr-defined]


def test_the_sum_bcc_of_a_kamstrup_telegram_of_the_old_family() -> None:
    (vector,) = [vector for vector in vectors("iec62056-21") if vector["id"] == "V479"]
    identification, data = meter_says(bytes.fromhex(vector["hex_in"]), "sum")
    assert identification == Identification("KAM", " ", "MC")
    assert isinstance(data, Data)
    assert data.readout
    assert (data_sets(data.text) or [])[1] == DataSet("6.8", (Value("00433.65", "GJ"),))
    assert meter_says(bytes.fromhex(vector["hex_in"]), "xor")[1] is Fault.CHECK


def test_a_685_puts_its_end_mark_behind_the_last_data_set() -> None:
    """As captured from a 685-382-OK-10: "1.6*1(000002,8)!", and the sum as block check."""
    block = "1.6(000001,5*kW)\r\n1.6*1(000002,8)\r\n"
    body = b"1.6(000001,5*kW)\r\n1.6*1(000002,8)!\r\n\x03"
    assert readout_of(block, own_line=False).encode("sum") == b"\x02" + body + bytes((sum(body) % 128,))


REFUSED = [
    b"/?123\r\n",
    b"/?123!\n",
    b"/?12_3!\r\n",
    b"/?" + b"1" * 33 + b"!\r\n",
    b"?!\r\n",
    b"\x0605\r\n",
    b"\x060500\r\n",
    b"/!\r\n",
    b"\x02data\x03\x00",
    b"\x01R5\x02" + b"x" * 600 + b"\x03\x00",
    b"\x01R5\x021.0.0()",
    b"\x00\x00\xff",
]


@pytest.mark.parametrize("rubbish", REFUSED)
def test_what_is_no_message_says_nothing_and_the_next_one_works(rubbish: bytes) -> None:
    assert [said for said in client_says(rubbish + b"/?!\r\n") if said is not None] == [Request("")]


SYNTAX = [
    "R5\x021.0.0(\x03",
    "R5\x021.0.0\x03",
    "R5\x021.0.0)(\x03",
    "R5\x021.0.0()x()\x03",
    "R5\x02\x03",
    "R5\x021.0.0(a!b)\x03",
    "R5\x021.0.0(a/b)\x03",
    "R5\x021.0.0(a\rb)\x03",
    "R5\x0212345678901234567()\x03",
    "W5\x021.0.0(" + "1" * 129 + ")\x03",
    "W5\x021.0.0(1)\x04",
    "R7\x021.0.0()\x03",
    "P0\x02()\x03",
    "E1\x02()\x03",
    "B1\x03",
    "B0\x02()\x03",
    "\x03",
]


@pytest.mark.parametrize("body", SYNTAX)
def test_a_command_with_wrong_syntax_is_one_fault(body: str) -> None:
    assert client_says(with_block_check(b"\x01" + body.encode(), "xor")) == [Fault.SYNTAX]
    if body != "\x03":
        damaged = bytearray(with_block_check(b"\x01" + body.encode(), "xor"))
        damaged[-1] ^= 0x40
        assert client_says(bytes(damaged)) == [Fault.CHECK]


def test_the_longest_command_is_taken() -> None:
    command = Command("W5", "1" * 16, "2" * 128)
    assert client_says(command.encode()) == [command]


def test_a_start_character_begins_anew() -> None:
    assert client_says(b"\x01R5\x021.0\x01B0\x03q") == [Break()]
    assert client_says(b"\x01R5\x021.0/?!\r\n") == [Request("")]
    assert client_says(b"/?12\x06051\r\n") == [OptionSelect("0", "5", "1")]
    assert client_says(b"/?1/?2!\r\n") == [Request("2")]


def test_a_block_check_may_be_any_character() -> None:
    seen = set()
    for number in range(2000):
        command = Command("R1", "", f"{number:x}{'~' * (number % 2)}")
        assert client_says(command.encode() + b"/?!\r\n") == [command, Request("")]
        seen.add(command.encode()[-1])
    assert {0x01, 0x02, 0x03, 0x06, 0x15, 0x2F} & seen


def test_nuls_are_not_there() -> None:
    assert client_says(bytes(50) + b"/\x00?!\x00\r\n") == [Request("")]


def test_an_acknowledgement_is_whole_at_once_where_no_option_select_may_come() -> None:
    assert client_says(b"\x06\x15\x06", option_select=False) == [Acknowledge(), Repeat(), Acknowledge()]


def test_parity_is_told_clean_from_even_from_wrong() -> None:
    assert with_even_parity(b"/?!\r\n") == bytes.fromhex("AF 3F 21 8D 0A")
    clean, even = cut(b"/?!\r\n"), cut(bytes.fromhex("AF 3F 21 8D 0A"))
    assert [(heard.clean, heard.even) for heard in clean + even] == [(True, False), (False, True)]
    (wrong,) = cut(bytes.fromhex("AF 3F 21 0D 0A"))
    assert not wrong.clean
    assert not wrong.even


@given(st.binary(max_size=700), st.booleans())
def test_random_octets_leave_room_for_the_next_message(data: bytes, option_select: bool) -> None:
    reader = MessageReader(OF_CLIENTS)
    reader.option_select = option_select
    for octet in data:
        reader.receive(octet)
    heard = [said for octet in b"\x00\x15/?1!\r\n" if (said := reader.receive(octet)) is not None]
    assert heard[-1].octets == b"/?1!\r\n"


TEXT = st.text([chr(code) for code in range(0x20, 0x7F) if chr(code) not in "()/!"], max_size=128)
COMMANDS = st.builds(
    Command, st.sampled_from(["P1", "P2", "R1", "R5", "R6", "W1", "W5", "E2"]), TEXT.map(lambda text: text[:16]), TEXT
)


@given(COMMANDS, st.sampled_from(["xor", "sum"]), st.booleans())
def test_commands_round_trip(command: Command, bcc: BlockCheck, parity: bool) -> None:
    octets = command.encode(bcc)
    assert client_says(with_even_parity(octets) if parity else octets, bcc) == [command]


@given(st.lists(TEXT, min_size=1, max_size=4), st.booleans(), st.sampled_from(["xor", "sum"]))
def test_answers_round_trip(texts: list[str], more: bool, bcc: BlockCheck) -> None:
    data = Data("".join(f"1.8.0({text})\r\n" for text in texts), more)
    assert meter_says(data.encode(bcc), bcc) == [data]
    error = Error(texts[0][:32])
    assert meter_says(error.encode(bcc), bcc) == [error]
    assert meter_says(Challenge(texts[0]).encode(bcc), bcc) == [Challenge(texts[0])]


@given(st.text("0123456789", min_size=1, max_size=8), st.integers(0, 5), st.integers(0, 5))
def test_leading_zeros_of_an_address_do_not_count(number: str, here: int, there: int) -> None:
    assert Request("0" * here + number).addresses("0" * there + number)


def test_an_address_of_zeros_is_not_everybody() -> None:
    assert not Request("000").addresses("12")
    assert Request("000").addresses("0")
    assert Request("").addresses("12")
    assert not Request("a1").addresses("A1")


def test_an_identification_offers_mode_e_by_its_escape() -> None:
    identification = identification_of("KAM5 6841138BN141001", hdlc=True)
    assert identification.encode() == b"/KAM5\\2 6841138BN141001\r\n"
    (heard,) = meter_says(identification.encode())
    assert heard == identification
    assert identification.offers_hdlc
    assert not identification_of("KAM5 6841138BN141001").offers_hdlc


def test_data_sets_with_several_values_and_rows_without_an_id() -> None:
    text = "99.1.0(4)(1.0.0)()\r\n(01050101000000)(0)(0000586.12*kWh)\r\n"
    assert data_sets(text) == [
        DataSet("99.1.0", (Value("4"), Value("1.0.0"), Value(""))),
        DataSet("", (Value("01050101000000"), Value("0"), Value("0000586.12", "kWh"))),
    ]
    assert data_sets("1.8.0(1)(") is None
    assert data_sets("1.8.0") is None


def test_the_block_checks() -> None:
    assert block_check(b"P0\x02(1234567)\x03", "xor") == ord("P")
    assert Break().encode() == b"\x01B0\x03q"
    assert block_check(b"0.0(1)\r\n!\r\n\x03", "sum") == sum(b"0.0(1)\r\n!\r\n\x03") & 0x7F
