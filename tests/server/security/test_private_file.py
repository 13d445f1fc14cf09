"""Secrets of a configuration: where they may stand, where not, and that no fault quotes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import app
from server.config import FileError, load_config
from server.security.private_file import read_secret

SECRET = "right-horse-battery"
CONTROL = '[control]\naddress = "127.0.0.1:0"\n'
PUSH = '[[push]]\nlist = "danish-1"\nto = "mqtt://127.0.0.1"\n'


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path / "secret", f"{SECRET}\nand a remark\n")
    return tmp_path


@pytest.mark.parametrize("name", ["secret", "{folder}/secret"])
def test_a_token_comes_from_a_file_of_its_own_beside_the_configuration(folder: Path, name: str) -> None:
    path = written(folder / "run.toml", f'{CONTROL}token_file = "{name.format(folder=folder)}"\n', 0o644)
    control = load_config(path).control
    assert control is not None
    assert control.token is not None
    assert control.token.get_secret_value() == SECRET
    assert SECRET not in repr(control)


def test_the_password_of_a_broker_comes_from_a_file_of_its_own(folder: Path) -> None:
    path = written(folder / "run.toml", f'{PUSH}mqtt = {{ username = "me", password_file = "secret" }}\n', 0o644)
    password = load_config(path).push[0].mqtt.password
    assert password is not None
    assert password.get_secret_value() == SECRET


def test_secrets_come_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", SECRET)
    text = f'{CONTROL}token_env = "BROKER_PASSWORD"\n{PUSH}[push.mqtt]\npassword_env = "BROKER_PASSWORD"\n'
    config = load_config(written(folder / "run.toml", text, 0o644))
    assert config.control is not None
    assert config.control.token is not None
    assert config.control.token.get_secret_value() == SECRET
    assert config.push[0].mqtt.password == config.control.token


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_configuration_that_nobody_else_reads_may_hold_secrets(folder: Path, mode: int) -> None:
    config = load_config(written(folder / "run.toml", f'{CONTROL}token = "{SECRET}"\n', mode))
    assert config.control is not None
    assert config.control.token is not None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_one_that_others_read_is_refused_with_every_secret_in_it(folder: Path, mode: int) -> None:
    text = f'{CONTROL}token = "{SECRET}"\n{PUSH}[push.mqtt]\nusername = "me"\npassword = "{SECRET}"\n'
    path = written(folder / "run.toml", text, mode)
    checked = CliRunner().invoke(app, ["config", "check", str(path)])
    assert checked.exit_code == 1
    assert [line.split(": ")[:2] for line in checked.stderr.splitlines()] == [
        [f"{path}:3", "control.token"],
        [f"{path}:9", "push.0.mqtt.password"],
    ]
    assert f"mode {mode:04o} (chmod 600 it, or token_file, or token_env)" in checked.stderr
    assert SECRET not in checked.stderr
    ran = CliRunner().invoke(app, ["run", "--config", str(path)])
    assert ran.exit_code != 0
    assert "others can read this file" in ran.stderr


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('token_file = "open"', "can be reached by others, mode 0644"),
        ('token_file = "none"', "No such file"),
        ('token_file = "empty"', "its first line is empty"),
        ('token_file = "binary"', "not UTF-8"),
        ('token_file = "folder"', "directory"),
        ('token_file = "device"', "not a file"),
        ("token_file = 1", "a name expected"),
        ('token_env = "NO_SUCH_VARIABLE"', "the environment has no NO_SUCH_VARIABLE"),
        (f'token_file = "secret"\ntoken = "{SECRET}"', "token and token_file: one of them is enough"),
        ("token = 12345678", "valid string"),
    ],
)
def test_what_cannot_be_had_is_told_without_the_secret(folder: Path, line: str, fault: str) -> None:
    written(folder / "open", SECRET, 0o644)
    written(folder / "empty", f"\n{SECRET}")
    written(folder / "binary", "")
    (folder / "binary").write_bytes(b"\xff\xfe")
    (folder / "folder").mkdir()
    (folder / "device").symlink_to("/dev/null")
    with pytest.raises(FileError, match=fault) as refused:
        load_config(written(folder / "run.toml", f"{CONTROL}{line}\n"))
    assert SECRET not in str(refused.value)
    assert "12345678" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_file_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder / "secret", 12345, -1)
    with pytest.raises(ValueError, match="belongs to another user"):
        read_secret(folder / "secret")
