"""The key file: ours alone or refused, replaced as a whole, understood in every part."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from cosem.security.keys import KeyId
from server.security.key_file import KeyFile, KeyFileError
from server.security.secrets_at_rest import DOCUMENTED, MeterSecrets, PrivateKeyName

SERIAL = 12345678
CHANGED = DOCUMENTED[0].with_keys({KeyId.GLOBAL_UNICAST: bytes(range(0x60, 0x70))})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "meters.sqlite.keys"


def written(path: Path) -> KeyFile:
    """A file with a changed key and a changed password of one meter."""
    file = KeyFile(path)
    file.put(SERIAL, MeterSecrets().with_setup(1, CHANGED).with_password(18, 16, b"open sesame"))
    file.write()
    return file


def test_what_was_written_is_read_again(path: Path) -> None:
    before = written(path).of_meter(SERIAL)
    after = KeyFile(path).of_meter(SERIAL)
    assert after == before
    assert after.setups[1].keys[KeyId.GLOBAL_UNICAST] == bytes(range(0x60, 0x70))
    assert after.passwords == {(18, 16): b"open sesame"}


def test_private_keys_and_certificates_are_kept(path: Path) -> None:
    secrets = type(CHANGED)(CHANGED.keys, {PrivateKeyName.SIGNING: b"\x01" * 32}, (b"\x30\x00", b"\x30\x01\x00"))
    file = KeyFile(path)
    file.put(SERIAL, MeterSecrets().with_setup(1, secrets))
    file.write()
    assert KeyFile(path).of_meter(SERIAL).setups[1] == secrets


def test_only_its_owner_can_reach_it_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        written(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o610, 0o601])
def test_a_file_that_others_can_reach_is_refused(path: Path, mode: int) -> None:
    written(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=rf"can be reached by others, mode {mode:04o} \(chmod 600 it\)"):
        KeyFile(path)


def test_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    written(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError):
        KeyFile(path)


def test_a_folder_is_refused(path: Path) -> None:
    path.mkdir(mode=0o700)
    with pytest.raises(KeyFileError):
        KeyFile(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_file_of_another_user_is_refused(path: Path) -> None:
    written(path)
    os.chown(path, 65534, -1)
    with pytest.raises(KeyFileError, match="belongs to another user"):
        KeyFile(path)


def test_nothing_is_made_before_it_is_needed(path: Path) -> None:
    KeyFile(path).write()
    assert not path.exists()


def test_the_first_meter_that_needs_keys_puts_those_it_was_delivered_with_there(path: Path) -> None:
    file = KeyFile(path)
    file.keep_delivered()
    file.write()
    assert file.documented
    assert json.loads(path.read_text())["delivered"]["0"]["unicast"] == bytes(range(16)).hex()
    assert KeyFile(path).delivered(2) == DOCUMENTED[2]


def test_keys_put_there_are_what_meters_are_delivered_with(path: Path) -> None:
    file = KeyFile(path)
    file.keep_delivered()
    file.write()
    values = json.loads(path.read_text())
    for suite in values["delivered"].values():
        suite["unicast"] = "5a" * (len(suite["unicast"]) // 2)
    path.write_text(json.dumps(values))
    again = KeyFile(path)
    assert again.delivered(1).keys[KeyId.GLOBAL_UNICAST] == b"\x5a" * 16
    assert not again.documented
    again.keep_delivered()
    again.write()
    assert json.loads(path.read_text()) == values


def test_an_unfinished_write_of_a_killed_run_does_no_harm(path: Path) -> None:
    path.with_name(path.name + ".new").write_text("half a fi")
    written(path)
    assert KeyFile(path).of_meter(SERIAL).passwords
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_disk_that_takes_nothing_leaves_the_old_file_and_the_next_write_tries_again(path: Path) -> None:
    file = written(path)
    before = path.read_bytes()
    obstacle = path.with_name(path.name + ".new")
    obstacle.mkdir()
    file.put(SERIAL, MeterSecrets())
    with pytest.raises(OSError, match="new"):
        file.write()
    assert path.read_bytes() == before
    obstacle.rmdir()
    file.write()
    assert KeyFile(path).of_meter(SERIAL) == MeterSecrets()


def test_without_a_path_nothing_is_kept() -> None:
    file = KeyFile(None)
    file.put(SERIAL, MeterSecrets().with_password(18, 16, b"x"))
    file.write()
    assert file.of_meter(SERIAL).passwords


def valid() -> dict[str, Any]:
    return {
        "format": 1,
        "delivered": {str(suite): secrets.to_json() for suite, secrets in DOCUMENTED.items()},
        "meters": {str(SERIAL): MeterSecrets().with_setup(1, CHANGED).with_password(18, 16, b"x").to_json()},
    }


def without(values: dict[str, Any], *place: str) -> dict[str, Any]:
    table = values
    for part in place[:-1]:
        table = table[part]
    del table[place[-1]]
    return values


def with_(values: dict[str, Any], value: Any, *place: str) -> dict[str, Any]:
    table = values
    for part in place[:-1]:
        table = table[part]
    table[place[-1]] = value
    return values


SECRET = "5ec12e75ec12e75ec12e75ec12e75e00"
SETUP = ("meters", str(SERIAL), "setups", "1")
REFUSED = [
    ([], "no key file of format 1"),
    (with_(valid(), 2, "format"), "no key file of format 1"),
    (without(valid(), "meters"), "format, delivered and meters expected"),
    (with_(valid(), {}, "other"), "and nothing else"),
    (with_(valid(), SECRET, "delivered"), "delivered has suites"),
    (with_(valid(), {}, "delivered", "x"), "delivered has suites"),
    (with_(valid(), SECRET, "delivered", "0"), "delivered.0: an object expected"),
    (without(valid(), "delivered", "0", "unicast"), "delivered.0: unicast is missing"),
    (without(valid(), "delivered", "0", "master"), "delivered.0: master is missing"),
    (with_(valid(), SECRET, "delivered", "2", "unicast"), "delivered.2.unicast: 16 octets, 32 expected"),
    (with_(valid(), SECRET[:-1], "delivered", "0", "unicast"), "delivered.0.unicast: hexadecimal octets expected"),
    (with_(valid(), [SECRET], "delivered", "0", "unicast"), "delivered.0.unicast: hexadecimal octets expected"),
    (with_(valid(), SECRET, "delivered", "0", "guek"), "delivered.0: unknown key 'guek'"),
    (with_(valid(), DOCUMENTED[0].to_json(), "delivered", "3"), "delivered.3.unicast: 16 octets, 0 expected"),
    (with_(valid(), {}, "meters", "x"), "meters has serial numbers"),
    (with_(valid(), {}, "meters", str(SERIAL), "keys"), f"meters.{SERIAL}: unknown key 'keys'"),
    (with_(valid(), SECRET, *SETUP), f"meters.{SERIAL}.setups.1: an object expected"),
    (with_(valid(), SECRET, *SETUP, "certificates"), f"meters.{SERIAL}.setups.1: unknown key 'certificates'"),
    (with_(valid(), [1], *SETUP, "certificates"), f"meters.{SERIAL}.setups.1.certificates.0: hexadecimal"),
    (with_(valid(), SECRET, "meters", str(SERIAL), "passwords", "18"), "passwords: names are numbers"),
    (with_(valid(), 5, "meters", str(SERIAL), "passwords", "18/16"), "passwords.18/16: hexadecimal"),
]


@pytest.mark.parametrize(("values", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_not_understood_is_refused_without_saying_what_stands_there(path: Path, values: Any, said: str) -> None:
    path.write_text(json.dumps(values))
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as error:
        KeyFile(path)
    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)
    assert SECRET[:12] not in str(error.value)


@pytest.mark.parametrize(("octets", "said"), [(b"{", ":1: "), (b"\xff", ": not UTF-8"), (b"", ":1: ")])
def test_what_is_no_json_is_refused(path: Path, octets: bytes, said: str) -> None:
    path.write_bytes(octets)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=said):
        KeyFile(path)


def test_no_secret_is_shown(path: Path) -> None:
    file = written(path)
    secrets = file.of_meter(SERIAL)
    for shown in (repr(file), str(file), repr(secrets), repr(secrets.setups), f"{secrets.setups[1]}"):
        for secret in (*CHANGED.keys.values(), b"open sesame"):
            assert secret.hex() not in shown
            assert repr(secret) not in shown
            assert str(secret) not in shown
