"""AES key wrap: published vectors both ways, and everything else refused."""

from __future__ import annotations

from typing import Any

import pytest

from cosem.security.errors import KeyRefused
from cosem.security.key_wrap import unwrap, wrap

from .samples import MASTER, vectors


@pytest.mark.parametrize("vector", vectors("key-wrap"), ids=lambda vector: vector["id"])
def test_a_public_key_is_wrapped_and_unwrapped(vector: dict[str, Any]) -> None:
    kek = bytes.fromhex(vector["params"]["kek"])
    key, wrapped = bytes.fromhex(vector["hex_in"]), bytes.fromhex(vector["hex_out"])
    assert wrap(kek, key) == wrapped
    assert unwrap(kek, wrapped) == key


def test_what_this_master_key_did_not_wrap_is_refused() -> None:
    wrapped = wrap(MASTER, bytes(16))
    wrong = [wrap(bytes(16), bytes(16)), b"", wrapped[:-1], wrapped[:-8], wrapped + bytes(8), bytes(24), bytes(7)]
    for bit in range(len(wrapped) * 8):
        altered = bytearray(wrapped)
        altered[bit // 8] ^= 1 << bit % 8
        wrong.append(bytes(altered))
    for octets in wrong:
        with pytest.raises(KeyRefused):
            unwrap(MASTER, octets)
