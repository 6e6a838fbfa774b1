from __future__ import annotations

import pytest

from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


@pytest.mark.parametrize("character", ["x", "\x1b", "\n", "\udce9"])
def test_what_was_found_is_not_endless(character: str) -> None:
    endless = character * 10_000
    with pytest.raises(SettingError) as refused:
        refuse(SettingError, f"--set {endless}", found=endless, expected="less", remedy="cut it")
    line = str(refused.value)
    assert line.startswith("--set ") and line.endswith(", expected less; cut it")
    assert "\n" not in line and len(line) < 1100
