"""Names of someone else are shown, wherever they are shown, and never act on a terminal."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pdas import cli
from pdas.cli.progress import Lines, LogLines
from pdas.cli.tables import table
from pdas.report.page import write_report
from pdas.runs.run import Run
from pdas.support.errors import PdasWarning
from pdas.support.metrics import bar_text

EVIL = "\x1b]0;owned\x07\x1b[2J\u202ecat\nroot@host # \x9b31m[/b][red]"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\u202ecat\nroot@host # \x9b31m[/b][red]"


def check(text: str) -> None:
    assert SHOWN in text.replace("&amp;", "&")
    assert not set(text) & set("\x1b\x07\x9b\u202e"), text


def test_tables_bars_logs_and_warnings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    Lines("search")(1, 2, bar_text({EVIL: 0.1}, ()), None)
    check(capsys.readouterr().err)
    LogLines().emit(logging.makeLogRecord({"msg": EVIL.replace("\n", r"\n")}))
    check(capsys.readouterr().err)
    table(EVIL, [(EVIL, EVIL)])
    out = capsys.readouterr().out
    check(out)
    assert out.count(SHOWN) == 3
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warnings.warn(EVIL, PdasWarning, stacklevel=1)
    check(str(found[0].message))


def test_the_page_of_a_run(make_run: Callable[..., Path], tmp_path: Path) -> None:
    architecture = {EVIL: EVIL}
    run = make_run(architecture=architecture, recipe={"name": EVIL, "description": EVIL})
    result = {"test_error": 1.0, "classes": [EVIL], EVIL: 1, "baselines": {EVIL: {"test_error": 1}}}
    (run / "retrain-0" / "result.json").write_text(json.dumps(result))
    (run / "search.json").write_text(json.dumps({"method": EVIL, EVIL: 3.0}))
    page = write_report(run).read_text()
    check(page)
    assert page.count(r"\x1b[2J") >= 6


def test_a_prediction(
    finished: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "run"))
    file = run / "retrain-0" / "result.json"
    result = json.loads(file.read_text())
    result["classes"] = [f"{EVIL}{i}" for i in range(len(result["classes"]))]
    file.write_text(json.dumps(result))
    picture = tmp_path / f"{EVIL.replace('/', '')}.png"
    Image.new("L", (8, 8)).save(picture)
    (tmp_path / "no\x1b[2Jimage.png").write_bytes(b"")
    for kind in ("text", "csv", "json"):
        words = ["pdas", "predict", run, picture, tmp_path / "no\x1b[2Jimage.png", "--format", kind]
        monkeypatch.setattr("sys.argv", list(map(str, words)))
        with pytest.raises(SystemExit):
            cli.main()
        out, err = capsys.readouterr()
        assert not set(out + err) & set("\x1b\x07\x9b\u202e")
        assert r"no\x1b[2Jimage.png" in err
