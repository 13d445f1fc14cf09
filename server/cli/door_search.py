"""Which way to a meter's settings an endpoint offers: KMP, DLMS or IEC 62056-21, asked for in this order.

Each is asked in a connection of its own, with the question that its protocol begins with and that changes nothing:
GetType, an association, a sign-on. A port that takes a question for noise stays silent or closes the connection, and
hears the next one afresh. A password that is refused is an answer: there it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.endpoint import Endpoint, EndpointKind, LinkProtocol
from conformance.errors import CannotConnect, ClientError, LoginRefused, NoAnswer

from .doors import DlmsDoor, Door, DoorOptions, IecDoor, KmpDoor
from .ways import Way

_SEARCH_TIMEOUT_S: Final = 2.0
"""A meter answers the first question of any of them within 1.6 s; the last one may take as long as was said."""

_ORDER: Final = (Way.KMP, Way.DLMS, Way.HDLC, Way.IEC)
_ORDER_ON_DEVICES: Final = (Way.KMP, Way.HDLC, Way.IEC)
"""DLMS is the wrapper where there is one, and HDLC on a device."""


def is_search(text: str, way: Way | None) -> bool:
    """Whether neither scheme nor `--protocol` says what is spoken."""
    return way is None and ("://" not in text or text.strip().lower().startswith("tcp://"))


def open_door(text: str, way: Way | None, options: DoorOptions, *, needs_login: bool) -> Door:
    """The way named by scheme or `--protocol`, else the first that is answered; signed on where a password is given.

    Raises `ClientError`, and `ValueError` where the endpoint is none, no settings are reached that way, or the
    password is missing.
    """
    endpoint = Endpoint.parse(text)
    if is_search(text, way):
        return _search(endpoint, options, needs_login)
    return _open(endpoint, way or _of_scheme(endpoint), options, needs_login)


def _of_scheme(endpoint: Endpoint) -> Way:
    if endpoint.protocol is LinkProtocol.KMP_HEX:
        raise ValueError(
            f"{endpoint}: the hexadecimal protocol has no settings; kmp://, iec://, hdlc:// and udp:// have"
        )
    named = {LinkProtocol.KMP: Way.KMP, LinkProtocol.IEC: Way.IEC, LinkProtocol.HDLC: Way.HDLC}
    return named.get(endpoint.protocol, Way.DLMS)


def _open(endpoint: Endpoint, way: Way, options: DoorOptions, needs_login: bool) -> Door:
    place, connect = _WAYS[way](endpoint)
    if options.password is None and (needs_login or way is not Way.KMP):
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
    for way in _ORDER if endpoint.kind is not EndpointKind.SERIAL else _ORDER_ON_DEVICES:
        try:
            return _open(endpoint, way, options if way is Way.IEC else hasty, needs_login)
        except LoginRefused:
            raise
        except ClientError as error:
            if isinstance(error, CannotConnect) and not heard:
                raise  # there is nobody at all
            heard.append(f"{way.value}: {error}")
    raise NoAnswer(f"{endpoint} offers no way to settings ({'; '.join(heard)})")


_Connect = Callable[[Endpoint, DoorOptions], Door]


def _dlms(endpoint: Endpoint) -> tuple[Endpoint, _Connect]:
    on_device = endpoint.kind is EndpointKind.SERIAL
    return endpoint.speaking(LinkProtocol.HDLC if on_device else LinkProtocol.WRAPPER), DlmsDoor


_WAYS: Final[dict[Way, Callable[[Endpoint], tuple[Endpoint, _Connect]]]] = {
    Way.KMP: lambda endpoint: (endpoint.speaking(LinkProtocol.KMP), KmpDoor.connect),
    Way.DLMS: _dlms,
    Way.HDLC: lambda endpoint: (endpoint.speaking(LinkProtocol.HDLC), DlmsDoor),
    Way.IEC: lambda endpoint: (endpoint.speaking(LinkProtocol.IEC), IecDoor.connect),
}
"""Where to connect and how, for each."""
