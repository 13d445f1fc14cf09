"""Device profiles: what ships, what they inherit, and errors that name file, line and key."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.device_profile import PROFILES, available, load_objects, load_profile, merge
from server.toml_file import FileError

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return file


# --- what ships -----------------------------------------------------------------------------------------


def test_the_documented_meters_ship() -> None:
    assert {"382-classic", "382BCDE", "382K", "382L", "382M"} <= set(available())


@pytest.mark.parametrize("name", available())
def test_every_profile_that_ships_loads_with_its_objects(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.description
    rows = load_objects(profile)
    assert len({(row.class_id, row.logical_name) for row in rows}) == len(rows)
    assert profile.metering.depth_days.keys() == ({300, 900, 1800, 3600} if _has_load_profile(name) else set())


def _has_load_profile(name: str) -> bool:
    return name in ("382K", "382L", "382M", "382M-secure")


def test_the_depths_are_those_of_the_data_sheets() -> None:
    depths = {name: load_profile(name).metering.load_profile_days for name in ("382M", "382L", "382K")}
    assert depths["382K"] == depths["382L"]
    assert depths["382M"] == {
        "A+": {300: 92, 900: 275, 1800: 550, 3600: 1100},
        "A+A-": {300: 77, 900: 231, 1800: 462, 3600: 924},
        "A+A-R+R-": {300: 58, 900: 175, 1800: 350, 3600: 700},
    }
    assert depths["382L"] == {
        "A+": {300: 199, 900: 597, 1800: 1194, 3600: 2388},
        "A+A-": {300: 113, 900: 341, 1800: 682, 3600: 1364},
        "A+A-R+R-": {300: 61, 900: 183, 1800: 367, 3600: 734},
    }


def test_the_382l_is_a_382m_but_for_what_its_file_changes() -> None:
    parent, child = load_profile("382M"), load_profile("382L")
    assert child.associations == parent.associations
    assert child.hdlc == parent.hdlc
    assert child.objects == parent.objects
    assert child.identity.identification == parent.identity.identification
    assert child.identity.type_number != parent.identity.type_number
    assert child.iec62056_21.bcc == parent.iec62056_21.bcc
    assert [item.number for item in child.iec62056_21.lists] == [1], "arrays of tables are replaced, not merged"


# --- one's own ------------------------------------------------------------------------------------------


def test_a_profile_of_ones_own_inherits_and_changes_a_few_lines(write: Write) -> None:
    path = write(
        "mine.toml",
        'name = "mine"\ninherits = "382M"\n[metering]\ntariffs = 2\n[hdlc]\ndevice_address = 77\n',
    )
    profile = load_profile(str(path))
    assert profile.hdlc is not None
    assert (profile.name, profile.metering.tariffs, profile.hdlc.device_address) == ("mine", 2, 77)
    assert profile.metering.energy_type == "A+A-R+R-"
    assert profile.hdlc.max_info_transmit == 512
    assert load_objects(profile) == load_objects(load_profile("382M"))


def test_inheritance_goes_over_files_beside_the_profile(write: Write) -> None:
    write("grandparent.toml", 'name = "grandparent"\ninherits = "382M"\n[metering]\ntariffs = 2\nbilling_day = 5\n')
    write("parent.toml", 'name = "parent"\ninherits = "grandparent"\n[metering]\nbilling_day = 6\n')
    path = write("child.toml", 'name = "child"\ninherits = "parent"\n')
    metering = load_profile(str(path)).metering
    assert (metering.tariffs, metering.billing_day) == (2, 6)


def test_an_object_list_beside_the_profile_is_its_own(write: Write) -> None:
    with (PROFILES / "382M.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    few = [row for row in rows if row[9] in ("association", "clock", "sap_assignment", "hdlc_setup", "serial_number")]
    write("few.csv", "\n".join(",".join(row) for row in [head, *few]))
    path = write("few.toml", 'name = "few"\ninherits = "382M"\nobjects = "few.csv"\n')
    assert len(load_objects(load_profile(str(path)))) == 5


def test_tables_merge_key_by_key_and_all_else_is_replaced() -> None:
    base: dict[str, Any] = {"a": {"x": 1, "y": {"p": 1, "q": 2}}, "list": [1, 2], "b": 1}
    assert merge(base, {"a": {"y": {"q": 3}}, "list": [3], "b": {"z": 1}, "c": 4}) == {
        "a": {"x": 1, "y": {"p": 1, "q": 3}},
        "list": [3],
        "b": {"z": 1},
        "c": 4,
    }
    assert base["a"]["y"] == {"p": 1, "q": 2}, "the base is not touched"


# --- what is wrong with one -----------------------------------------------------------------------------

WRONG = [
    ('inherits = "382M"\nnme = "x"\n', 2, "nme: unknown key"),
    ('inherits = "382M"\n[metering]\ntarifs = 2\n', 3, "metering.tarifs: unknown key"),
    ('inherits = "382M"\n[metering]\n\ntariffs = 9\n', 4, "metering.tariffs: Input should be less than or equal to 8"),
    ('inherits = "382M"\n[metering]\nenergy_type = "B+"\n', 3, "metering.energy_type: Input should be 'A+', 'A+A-'"),
    ('inherits = "382M"\n[identity]\ntype_number = "684-31XM434084"\n', 3,
     "identity.type_number: type number '684-31XM434084': accuracy class (X3, character 6) is 'X'; allowed: A (class"),
    ('inherits = "382M"\n[identity]\nconfiguration_numbers = [51000002, 22201011, 1000, 100, 0]\n', 2,
     "identity: configuration number 1 (A-B-CCC-DD-E): decimals on the display (A, digit 1) is '5'; allowed: 1 (7.0)"),
    ('inherits = "382M"\n[identity]\ntype_number = "684-38BL434084"\n', None,
     "type number 684-38BL434084 is of generation L, profile 382M stands for M"),
    ('inherits = "382M"\n[metering]\nintegration_period_s = 600\n', 3, "Input should be 300, 900, 1800 or 3600"),
    ('inherits = "382M"\n[hdlc]\nwindow_transmit = 8\n', 3, "hdlc.window_transmit: Input should be less than or"),
    ('inherits = "382M"\n[identity]\ntype_number = "123"\n', 3, "identity.type_number: type number '123' is none"),
    ('inherits = "382M"\n[iec62056_21]\nuser_data = 7\n', 2, "user_data 7 names no list"),
    ('name = "alone"\n', None, "identity: missing"),
    ('inherits = "382BCDE"\n[[associations]]\nname = "x"\nclient_sap = 16\nserver_sap = 1\nmechanism = "none"\n'
     'conformance = ["get"]\nmax_receive_pdu = 125\n', None, "associations need objects, [cosem] and [hdlc]"),
    ('inherits = "382X"\n', None, "no device profile '382X' (there are 382-classic, 382BCDE, 382K, 382L, 382M"),
    ('inherits = "382M"\nobjects = "none.csv"\n', None, "none.csv: No such file or directory"),
    ('inherits = "382M"\n[[associations]]\nname = "x"\nclient_sap = 16\nserver_sap = 1\nmechanism = "hi"\n'
     'conformance = []\nmax_receive_pdu = 125\n', 6, "associations.0.mechanism: Input should be 'none', 'low', 'high'"),
    ('inherits = "382M"\n[[associations]]\nname = "x"\nclient_sap = 16\nserver_sap = 1\nmechanism = "gmac"\n'
     'conformance = []\nmax_receive_pdu = 125\n', 2, "mechanism gmac in context LN needs a setup"),
    ('inherits = "382M"\n[[associations]]\nname = "x"\nclient_sap = 16\nserver_sap = 1\nmechanism = "none"\nsetup = 3\n'
     'conformance = []\nmax_receive_pdu = 125\n', None, "association x: there is no Security setup 3"),
    ('inherits = "382M"\n[[security_setups]]\nnumber = 0\nsuite = 0\n[[associations]]\nname = "x"\nclient_sap = 16\n'
     'server_sap = 1\nmechanism = "ecdsa"\nsetup = 0\nconformance = []\nmax_receive_pdu = 125\n', None,
     "association x: suite 0 has no signatures"),
    ('inherits = "382M"\n[[security_setups]]\nnumber = 0\nsuite = 0\npolicy = 3\n', 2,
     "security_setups.0: 3 is no security policy of version 1"),
    ('inherits = "382M"\n[[associations]]\nname = "x"\nclient_sap = 16\nserver_sap = 1\nmechanism = "none"\n'
     'conformance = ["gte"]\nmax_receive_pdu = 125\n', 7, "gte"),
    ("inherits = \n", 1, "line 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_an_error_names_file_line_and_key(write: Write, text: str, line: int | None, said: str) -> None:
    path = write("wrong.toml", text)
    with pytest.raises(FileError) as error:
        load_objects(load_profile(str(path)))
    message = str(error.value)
    assert said in message
    fault = next(item for item in message.splitlines() if said in item)
    if line is not None and "line 1" not in said:
        assert fault.startswith(f"{path}:{line}: "), message


def test_every_fault_has_a_line_of_its_own(write: Write) -> None:
    path = write(
        "wrong.toml", 'inherits = "382M"\n[metering]\ntariffs = 9\nbilling_day = 31\n[hdlc]\ncomm_speed = 12\n'
    )
    with pytest.raises(FileError) as error:
        load_profile(str(path))
    lines = str(error.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{path}:{number}" for number in (3, 4, 6)]


def test_a_profile_that_inherits_itself_is_refused(write: Write) -> None:
    write("b.toml", 'name = "b"\ninherits = "a"\n')
    path = write("a.toml", 'name = "a"\ninherits = "b"\n')
    with pytest.raises(FileError, match="a profile inherits itself"):
        load_profile(str(path))


def test_two_associations_with_the_same_addresses_are_refused(write: Write) -> None:
    one = '[[associations]]\nname = "x"\nclient_sap = 16\nserver_sap = 1\nmechanism = "none"\n'
    one += 'conformance = ["get"]\nmax_receive_pdu = 125\n'
    with pytest.raises(FileError, match="two associations have the same client and server SAP"):
        load_profile(str(write("twice.toml", 'name = "twice"\ninherits = "382M"\n' + one + one)))


@pytest.mark.parametrize("name", ["382X", "", "382M.toml", "../profiles/382M", "/etc/passwd"])
def test_a_name_there_is_not_lists_those_there_are(name: str) -> None:
    with pytest.raises(FileError, match=r"there are 382-classic, 382BCDE, 382K, 382L, 382M"):
        load_profile(name)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("access", "RWX", "access 'RWX' (allowed: R, W, RW, R(W), RW4, -)"),
        ("unit", "Watt", "unit 'Watt' (allowed: "),
        ("logical_name", "1.1.x", "1.1.x"),
        ("class_id", "x", "'x'"),
    ],
)
def test_a_wrong_cell_of_an_object_list_names_file_and_line(write: Write, column: str, value: str, said: str) -> None:
    with (PROFILES / "382M.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:3]
    rows[1][column] = value
    path = write("bad.csv", "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]))
    profile = load_profile(str(write("bad.toml", 'name = "bad"\ninherits = "382M"\nobjects = "bad.csv"\n')))
    with pytest.raises(FileError) as error:
        load_objects(profile)
    assert str(error.value).startswith(f"{path}:3: ")
    assert said in str(error.value)


# --- what a profile adds --------------------------------------------------------------------------------


def test_associations_are_added_to_those_inherited_each_over_the_defaults(write: Write) -> None:
    path = write(
        "more.toml",
        'inherits = "382M"\nmore_associations = [{ name = "a", client_sap = 40 }, { name = "b", client_sap = 41, '
        'mechanism = "low" }]\n[association_defaults]\nserver_sap = 16\nmechanism = "none"\nconformance = ["get"]\n'
        "max_receive_pdu = 200\n",
    )
    inherited = load_profile("382M").associations
    *first, a, b = load_profile(str(path)).associations
    assert first == inherited
    assert [(item.client_sap, item.mechanism, item.max_receive_pdu) for item in (a, b)] == [
        (40, "none", 200),
        (41, "low", 200),
    ]


def test_objects_are_added_to_those_inherited() -> None:
    plain, secure = load_objects(load_profile("382M")), load_objects(load_profile("382M-secure"))
    assert secure[: len(plain)] == plain
    assert "0.0.43.1.0.255" in [str(row.logical_name) for row in secure[len(plain) :]]
