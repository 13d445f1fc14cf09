"""Pushes that no frame holds go in general blocks, a UI frame each."""

from __future__ import annotations

import asyncio
import os
import tty
from pathlib import Path
from typing import Any, cast

import pytest

from cosem.general_block_transfer import BlockTransfer, BlockTransferSettings, read_general_block
from server.push.config import MqttConfig, Target
from server.push.destinations import Destinations, Outgoing
from server.virtual_meter import VirtualMeter
from transports.hdlc.frame import FrameCounters, FrameReceiver
from transports.hdlc.unnumbered import MAX_APDU


async def pushed(apdu: bytes, link: Path) -> list[bytes]:
    """The APDUs of the frames that come out of a device for this one."""
    destinations = Destinations(lambda stream, name: stream)
    target = Target.parse(f"pty:{link}")
    await destinations.open_port(target.device, 2400)
    descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(descriptor)
        nobody = cast(VirtualMeter, None)  # only lines of the meter's own ask whose push it is
        await destinations.send(target, Outgoing(nobody, 32, 21, 16, apdu), MqttConfig())
        return await asyncio.wait_for(_frames(descriptor), 10.0)
    finally:
        os.close(descriptor)
        await destinations.close()


async def _frames(descriptor: int) -> list[bytes]:
    """Until one is no block, or the last."""
    reader, loop = FrameReceiver(FrameCounters()), asyncio.get_running_loop()
    found: list[bytes] = []
    while not found or (found[-1][0] == 0xE0 and not read_general_block(found[-1]).last):
        readable = loop.create_future()
        loop.add_reader(descriptor, readable.set_result, None)
        await readable
        loop.remove_reader(descriptor)
        found += [information(frame) for frame in reader.receive_data(os.read(descriptor, 65536), loop.time())]
    return found


def information(frame: Any) -> bytes:
    assert frame.information[:3] == bytes.fromhex("e6e700")
    return bytes(frame.information[3:])


@pytest.mark.parametrize("size", [1, MAX_APDU])
async def test_an_apdu_that_a_frame_holds_goes_as_it_is(size: int, tmp_path: Path) -> None:
    apdu = b"\x0f" * size
    assert await pushed(apdu, tmp_path / "port") == [apdu]


@pytest.mark.parametrize("size", [MAX_APDU + 1, 5000])
async def test_a_longer_one_goes_in_blocks_that_the_receiver_puts_together(size: int, tmp_path: Path) -> None:
    apdu = bytes(number % 251 for number in range(size))
    parts = await pushed(apdu, tmp_path / "port")
    assert len(parts) == -(-size // (MAX_APDU - 9))
    receiver = BlockTransfer(BlockTransferSettings(64, 1 << 16), 0.0)
    whole = [receiver.receive(read_general_block(part), 0.0) for part in parts]
    assert whole == [None] * (len(parts) - 1) + [apdu]
    assert receiver.data_to_send() == []
