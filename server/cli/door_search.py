"""Which way to a meter's settings an endpoint offers: KMP, DLMS or IEC 62056-21, asked for in this order.

Each is asked in a connection of its own, with the question that its protocol begins with and that changes nothing:
GetType, an association, a sign-on. A port that takes a question for noise stays silent or closes the connection, and
hears the next one afresh. A password that is refused is an answer: there it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from conformance.endpoint import Endpoint, EndpointKind, LinkProtocol
from conformance.errors import CannotConnect, ClientError, LoginRefused, NoAnswer

from .doors import DlmsDoor, Door, DoorOptions, IecDoor, KmpDoor

_SEARCH_TIMEOUT_S: Final = 2.0
"""A meter answers the first question of any of them within 1.6 s."""


class Spoken(StrEnum):
    """What `--protocol` takes."""

    KMP = "kmp"
    DLMS = "dlms"
    HDLC = "hdlc"
    IEC = "iec"


_ORDER: Final = (Spoken.KMP, Spoken.DLMS, Spoken.HDLC, Spoken.IEC)
_ORDER_ON_DEVICES: Final = (Spoken.KMP, Spoken.HDLC, Spoken.IEC)
"""DLMS is the wrapper where there is one, and HDLC on a device."""


def is_search(text: str, spoken: Spoken | None) -> bool:
    """Whether neither scheme nor `--protocol` says what is spoken."""
    return spoken is None and ("://" not in text or text.strip().lower().startswith("tcp://"))


def open_door(text: str, spoken: Spoken | None, options: DoorOptions, *, needs_login: bool) -> Door:
    """The way named by scheme or `--protocol`, else the first that is answered; signed on where a password is given.

    Raises `ClientError`, and `ValueError` where the endpoint is none, no settings are reached that way, or the
    password is missing.
    """
    endpoint = Endpoint.parse(text)
    if is_search(text, spoken):
        return _search(endpoint, options, needs_login)
    return _open(endpoint, spoken or _of_scheme(endpoint), options, needs_login)


def _of_scheme(endpoint: Endpoint) -> Spoken:
    if endpoint.protocol is LinkProtocol.KMP_HEX:
        raise ValueError(
            f"{endpoint}: the hexadecimal protocol has no settings; kmp://, iec://, hdlc:// and udp:// have"
        )
    named = {LinkProtocol.KMP: Spoken.KMP, LinkProtocol.IEC: Spoken.IEC, LinkProtocol.HDLC: Spoken.HDLC}
    return named.get(endpoint.protocol, Spoken.DLMS)


def _open(endpoint: Endpoint, spoken: Spoken, options: DoorOptions, needs_login: bool) -> Door:
    place, connect = _WAYS[spoken](endpoint)
    if options.password is None and (needs_login or spoken is not Spoken.KMP):
        raise ValueError("this needs --password")
    door = connect(place, options)
    try:
        if options.password is not None:
            door.login(options.password)
    except BaseException:
        door.close()
        raise
    return door


def _search(endpoint: Endpoint, options: DoorOptions, needs_login: bool) -> Door:
    hasty = options._replace(timeout_s=min(options.timeout_s, _SEARCH_TIMEOUT_S))
    heard: list[str] = []
    for spoken in _ORDER if endpoint.kind is not EndpointKind.SERIAL else _ORDER_ON_DEVICES:
        try:
            last = spoken is Spoken.IEC
            return _open(endpoint, spoken, options if last else hasty, needs_login)
        except LoginRefused:
            raise
        except ClientError as error:
            if isinstance(error, CannotConnect) and not heard:
                raise  # there is nobody at all
            heard.append(f"{spoken.value}: {error}")
    raise NoAnswer(f"{endpoint} offers no way to settings ({'; '.join(heard)})")


_Connect = Callable[[Endpoint, DoorOptions], Door]


def _dlms(endpoint: Endpoint) -> tuple[Endpoint, _Connect]:
    on_device = endpoint.kind is EndpointKind.SERIAL
    return endpoint.speaking(LinkProtocol.HDLC if on_device else LinkProtocol.WRAPPER), DlmsDoor


_WAYS: Final[dict[Spoken, Callable[[Endpoint], tuple[Endpoint, _Connect]]]] = {
    Spoken.KMP: lambda endpoint: (endpoint.speaking(LinkProtocol.KMP), KmpDoor.connect),
    Spoken.DLMS: _dlms,
    Spoken.HDLC: lambda endpoint: (endpoint.speaking(LinkProtocol.HDLC), DlmsDoor),
    Spoken.IEC: lambda endpoint: (endpoint.speaking(LinkProtocol.IEC), IecDoor.connect),
}
"""Where to connect and how, for each."""
