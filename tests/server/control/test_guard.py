"""Who may ask, how much, and how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from server.control.guard import LARGEST_BODY, Guard

from .conftest import SERIAL

TOKEN = "a-token-of-this-run"


@pytest.mark.parametrize("path", ["/meters", f"/meters/{SERIAL}", "/time", "/nothing", f"/meters/{SERIAL}/registers"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": "Bearer \xe9"},
    ],
)
async def test_without_the_token_nothing_of_the_meters_is_said(
    path: str, headers: dict[str, str], bench: Callable[..., Any]
) -> None:
    async with bench(token=TOKEN) as lab:
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = await lab.client.get(path, headers=encoded)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert str(SERIAL) not in answer.text


async def test_without_the_token_nothing_happens(bench: Callable[..., Any]) -> None:
    async with bench(token=TOKEN) as lab:
        assert (await lab.post("stop-billing")).status_code == 401
        assert lab.meter.sequence == 0
        lab.client.headers["Authorization"] = f"bearer {TOKEN}"
        assert (await lab.post("stop-billing")).status_code == 200


async def test_with_the_token_any_name_of_the_host_will_do(bench: Callable[..., Any]) -> None:
    async with bench(token=TOKEN) as lab:
        headers = {"Authorization": f"Bearer {TOKEN}", "Host": "meters.example:8382", "Origin": "http://page.example"}
        assert (await lab.client.get("/meters", headers=headers)).status_code == 200


async def test_the_description_is_open_and_says_that_a_token_is_needed(bench: Callable[..., Any]) -> None:
    async with bench(token=TOKEN) as lab:
        description = await lab.get("/openapi.json")
        assert description["components"]["securitySchemes"] == {"HTTPBearer": {"type": "http", "scheme": "bearer"}}
        assert (await lab.client.get("/docs")).status_code == 200
        assert TOKEN not in (await lab.client.get("/openapi.json")).text
    async with bench() as lab:
        assert "securitySchemes" not in (await lab.get("/openapi.json"))["components"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8382", "127.0.0.1", "127.3.2.1:80", "[::1]", "[::1]:8382"])
async def test_without_a_token_every_name_of_this_machine_will_do(host: str, bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        for origin in ({}, {"Origin": f"http://{host}"}):
            assert (await lab.client.get("/meters", headers={"Host": host, **origin})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "meters.example"},  # a name that an attacker made resolve to 127.0.0.1
        {"Host": "192.168.1.7:8382"},
        {"Host": ""},
        {"Origin": "http://page.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:80"},
        {"Origin": "https://127.0.0.1:8382"},
    ],
)
async def test_without_a_token_strangers_and_their_pages_are_refused(
    headers: dict[str, str], bench: Callable[..., Any]
) -> None:
    async with bench() as lab:
        answer = await lab.client.post(f"/meters/{SERIAL}/inputs/stop-billing", headers=headers)
        assert answer.status_code == 403
        assert answer.json()["detail"]
        assert lab.meter.sequence == 0


async def test_a_body_too_large_is_refused_however_it_comes(bench: Callable[..., Any]) -> None:
    async def portions() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1_024 + 1):
            yield b" " * 1_024

    async with bench() as lab:
        path = f"/meters/{SERIAL}/inputs/stop-billing"
        for content in (b" " * (LARGEST_BODY + 1), portions()):
            answer = await lab.client.post(path, content=content)
            assert (answer.status_code, answer.json()) == (413, {"detail": "at most 65536 octets"})
        body = b"{" + b" " * (LARGEST_BODY - 2) + b"}"
        headers = {"content-type": "application/json"}
        assert (await lab.client.post(path, content=body, headers=headers)).status_code == 200


async def test_a_request_that_does_not_end_is_ended() -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Guard(never, None, longest_s=0.01)), base_url="http://localhost"
    ) as client:
        answer = await client.get("/meters")
    assert (answer.status_code, answer.json()) == (503, {"detail": "not done within 0.01 s"})


async def test_half_a_request_is_no_request() -> None:
    """The client goes away in the middle of the body: nothing happens, nothing is answered."""
    messages = [
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.disconnect"},
    ]
    reached: list[Any] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope)

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        reached.append(message)

    scope = {"type": "http", "path": "/meters", "headers": [(b"host", b"localhost")]}
    await Guard(application, None)(scope, receive, send)
    assert not reached
