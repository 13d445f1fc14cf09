"""The symmetric keys of a context: replaced at once, refused whole, never shown."""

from __future__ import annotations

import pytest

from cosem.errors import ActionResult
from cosem.security.errors import KeyRefused
from cosem.security.keys import KeyId, Keys
from cosem.security.suites import SUITE_0, SUITES, Suite

from .samples import GAK, GBEK, GUEK, MASTER, keys


@pytest.mark.parametrize("suite", SUITES.values())
@pytest.mark.parametrize("key_id", KeyId)
@pytest.mark.parametrize("wrong", [0, 15, 17, 24, 31, 33])
def test_a_key_of_the_wrong_length_is_refused_and_nothing_changes(suite: Suite, key_id: KeyId, wrong: int) -> None:
    held = keys(suite)
    before = (held.unicast, held.broadcast, held.authentication, held.master)
    with pytest.raises(KeyRefused) as refused:
        held.install(key_id, bytes(wrong))
    assert refused.value.action_result is ActionResult.OTHER_REASON
    assert (held.unicast, held.broadcast, held.authentication, held.master) == before


def test_a_key_of_another_suite_is_refused() -> None:
    with pytest.raises(KeyRefused):
        Keys(SUITE_0, bytes(32))
    with pytest.raises(KeyRefused):
        Keys(SUITES[2], bytes(16))


def test_no_key_is_ever_shown() -> None:
    held = keys()
    shown = repr(held) + str(held) + repr(held.unicast) + repr(held.broadcast)
    for key in (GUEK, GAK, GBEK, MASTER):
        assert key.hex() not in shown
        assert repr(key)[2:-1] not in shown
    assert repr(held) == "Keys(suite 0: unicast, broadcast, authentication, master)"
    assert repr(Keys(SUITE_0, GUEK)) == "Keys(suite 0: unicast)"


def test_there_may_be_no_master_key() -> None:
    with pytest.raises(KeyRefused):
        _ = Keys(SUITE_0, GUEK).master
