"""What a device profile may say of its local ports, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.binding import ObjectModel
from server.device_profile import available, load_profile
from server.iec62056_21.registers import registers_of
from server.toml_file import FileError


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[local]\npassword = ""', "password"),
        ('[local]\npassword = "12 45"', "password"),
        ("[local]\npassword_attempts = 0", "password_attempts"),
        ("[local]\nlock_out_s = -1", "lock_out_s"),
        ("[local]\nlockout_s = 5", "lockout_s"),
        ('[iec62056_21]\nmodes = "CA"', "modes"),
        ('[iec62056_21]\nmodes = "AF"', "modes"),
        ('[iec62056_21]\nmanufacturer_modes = "5"', "manufacturer_modes"),
        ('[iec62056_21]\nmax_baud_digit = "7"', "max_baud_digit"),
        ("[iec62056_21]\nd0_speed = 1000", "d0_speed"),
        ("[iec62056_21]\nd0_interval_s = -5", "d0_interval_s"),
        ('[iec62056_21]\nuser_data = 1\nlists = [{ number = 1, items = [] }]', "lists 1 and 2"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_key(tmp_path: Path, text: str, fault: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'name = "own"\ninherits = "382M"\n{text}\n')
    with pytest.raises(FileError, match=fault):
        load_profile(str(own))


def test_the_generations_speak_the_modes_of_their_documents() -> None:
    modes = {name: load_profile(name).iec62056_21.modes for name in available()}
    assert modes == {"382-classic": "A", "382BCDE": "A", "382K": "A", "382L": "AC", "382M": "AC", "382M-secure": "AC"}


@pytest.mark.parametrize("name", available())
def test_the_loggers_of_a_profile_are_loggers(name: str) -> None:
    profile = load_profile(name)
    assert set(profile.iec62056_21.loggers) <= set(registers_of(ObjectModel(profile)).loggers)
