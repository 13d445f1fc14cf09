"""Before the API: who may ask, how much may be sent, how long it may take.

With a token, every request must bring it (`Authorization: Bearer …`, RFC 6750); only what describes the API itself is
open, for it says nothing of the meters. Without a token the API listens on loopback, where a web page in a browser of
the same machine is a stranger too: a request must then name a loopback host (against DNS rebinding), and one that a
page sent must come from a page of this very API (`Origin`).
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..config import is_loopback

LARGEST_BODY: Final = 65_536
"""Octets: a tariff table with every season and day type takes a few thousand."""
LONGEST_REQUEST_S: Final = 30.0
"""From the first octet to the answer; the longest step of time is settled in a fraction of it."""
OPEN_PATHS: Final = frozenset({"/openapi.json", "/docs"})


class _Refusal(Exception):
    """The status and the text to answer with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Guard:
    """ASGI application around the API."""

    def __init__(self, application: ASGIApp, token: str | None, longest_s: float = LONGEST_REQUEST_S) -> None:
        self._application = application
        self._longest_s = longest_s
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self._longest_s):
                self._check(scope)
                body = await _body(receive)
                if body is not None:
                    await self._application(scope, _replay(body, receive), watched)
        except _Refusal as refusal:
            await _answer(send, refusal)
        except TimeoutError:
            if not started:
                await _answer(send, _Refusal(503, f"not done within {self._longest_s:g} s"))

    def _check(self, scope: Scope) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if self._token is not None:
            if scope["path"] not in OPEN_PATHS and not self._is_authorized(headers):
                raise _Refusal(401, "the token of this run is needed: Authorization: Bearer TOKEN")
            return
        host = headers.get("host", "")
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if not is_loopback(name):
            raise _Refusal(403, f"without a token this API answers to loopback names only, not to {name!r}")
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            raise _Refusal(403, "this API does not answer to pages of other origins")

    def _is_authorized(self, headers: Mapping[str, str]) -> bool:
        assert self._token is not None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), self._token)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where the client went away before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise _Refusal(413, f"at most {LARGEST_BODY} octets")
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives the body read before."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def _answer(send: Send, refusal: _Refusal) -> None:
    content = json.dumps({"detail": str(refusal)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
