"""What server/README.md says of pushing is so."""

from __future__ import annotations

import re
import tomllib

from server.config import RunConfig
from server.push.han_lists import han_lists

from ..conftest import ROOT

TEXT = (ROOT / "server" / "README.md").read_text()
SECTION = TEXT[TEXT.index("## Pushing") : TEXT.index("## The display")]


def test_its_configuration_can_be_run() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", SECTION, re.DOTALL)
    config = RunConfig.model_validate({"meters": [{"profile": "382M-secure"}], **tomllib.loads(example)})
    assert [push.name for push in config.push] == ["norwegian-1", "danish-1", "0.0.25.9.0.255"]


def test_it_names_every_list_with_its_number_of_elements() -> None:
    lists = han_lists().lists
    for name, item in lists.items():
        (row,) = [line for line in SECTION.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]
        assert f": {1 + 2 * len(item.elements)} |" in row
