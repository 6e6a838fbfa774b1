"""The page of several runs, of a sweep and of a comparison: what it says, links to and escapes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import torch
import yaml
from scipy import stats
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas.comparing.results import read_results
from pdas.nn import Choice, Linear, Supernet, Value
from pdas.report.comparison import write_comparison
from pdas.report.html.page import is_page
from pdas.report.page import write_report
from pdas.report.reader import read_summary
from pdas.report.several.figures import link
from pdas.report.several.page import is_sweep, write_several, write_sweep
from pdas.report.several.which import write_page_of
from pdas.report.warnings.nothing_learned import nothing_learned
from pdas.support.errors import RunError, SettingError
from tests.comparing.made_up import make_comparison
from tests.report.test_page import Page

Make = Callable[..., Path]


@pytest.fixture
def sweep(make_run: Make, tmp_path: Path) -> Path:
    """Three seeds, the last without an architecture."""
    for seed, error in enumerate((3.0, 4.0)):
        config = make_run(f"seed-{seed}", errors=(error,)) / "config.yaml"
        config.write_text(config.read_text().replace("seed: 7", f"seed: {seed}"))
    run = make_run("seed-2", errors=())
    (run / "architecture.json").unlink()
    return tmp_path


def answer_of(page: Path) -> str:
    found = re.search(r'<p class="answer">(.*?)</p>', page.read_text())
    assert found
    return re.sub("<.*?>", "", found[1])


def test_page_of_a_sweep(sweep: Path) -> None:
    page = write_page_of([sweep])
    assert page == sweep / "report.html" and is_page(page)
    text, shown = answer_of(page), Page(page)
    assert text.startswith(
        "3 runs that differ in their seeds only. The test error is 3.50 % on average over 2 runs "
        "(95 % interval -2.85 to 9.85); single runs have 3.00 (seed-0) to 4.00 (seed-1). "
        "The searches are as sure as 91 % of what is possible, on average. "
        "Two of the architectures agree in 100 % of the variables on average"
    )
    assert "Not complete: seed-2." in text
    assert "pdas compare" not in text  # of which task it is, is not known
    assert "Next: finish seed-2: " in text
    assert shown.has_row("", "mean", "seed-0", "seed-1", "seed-2")
    missing = "The architecture: the search has not finished."
    assert shown.has_row("missing", "", "", "", missing)
    assert shown.has_row("test error, %", "3.50 [-2.85, 9.85]", "3.00", "4.00", "")
    assert shown.has_row("method", "", "pdas", "pdas", "pdas")
    (row,) = (row for row in shown.rows if row[0] == "normal/node1/op1")
    assert row[1] == "100 %" and row[2] == row[3] and len(row) == 4
    assert "seed-0, seed-1" in shown.texts  # the same architecture, drawn once
    assert sum("over the steps" in name for name in shown.drawings) == 2
    assert not shown.references[1:]  # but the icon: no run has a page


def test_warnings_are_named_in_the_column_of_their_run(make_run: Make, tmp_path: Path) -> None:
    paths = [make_run(name) for name in ("a", "b", "c")]
    for path in paths[:2]:
        search = json.loads((path / "search.json").read_text())
        (path / "search.json").write_text(json.dumps(search | {"learned": False}))
    warning = nothing_learned(read_summary(paths[0]))
    assert warning is not None
    name = warning.name
    page = write_several(paths, tmp_path / "out.html")
    assert f"{name} (in 2 of the runs)" in answer_of(page)
    (row,) = (row for row in Page(page).rows if row[0] == "warnings")
    assert [name in text for text in row[2:]] == [True, True, False]


@pytest.mark.parametrize(
    ("task", "asked"),
    [
        ("classification", "random, or than a plain network? Not asked here; pdas compare x "),
        ("inpainting", "random? Not asked here; pdas compare x --methods pdas,random asks."),
    ],
)
def test_what_only_a_comparison_tells_is_asked(
    make_run: Make, tmp_path: Path, task: str, asked: str
) -> None:
    paths = [make_run(name, recipe={"name": "x", "task": task}) for name in ("a", "b")]
    assert f"Are they better than {asked}" in answer_of(write_several(paths, tmp_path / "o.html"))


def test_runs_with_pages_of_their_own_are_linked(sweep: Path) -> None:
    write_report(sweep / "seed-1")
    assert "./seed-1/report.html" in Page(write_sweep(sweep)).references
    out = sweep / "elsewhere" / "both.html"
    out.parent.mkdir()
    page = write_several([sweep / "seed-0", sweep / "seed-1"], out)
    (reference,) = (each for each in Page(page).references if each.endswith(".html"))
    assert (out.parent / reference).resolve() == (sweep / "seed-1" / "report.html").resolve()


@pytest.mark.parametrize("name", ["javascript:alert(1)", "a b?c#d%e", "//host", "\udcff&<é>"])
def test_a_link_leads_to_its_file_whatever_its_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name.strip("/") / "report.html"
    parts = urlsplit(link(file, tmp_path / "page.html"))
    assert not (parts.scheme or parts.netloc or parts.query or parts.fragment)
    found = unquote(parts.path, errors="surrogateescape")
    assert (tmp_path / found).resolve() == file.resolve()


def test_runs_with_other_settings_are_told_apart(make_run: Make) -> None:
    paths = []
    for name, epochs in (("one", 3), ("two", 9)):
        recipe = {"name": "digits", "search": {"method": "pdas", "epochs": epochs}}
        paths.append(make_run(name, errors=(float(epochs),), recipe=recipe))
    page = write_several(paths, paths[0].parent / "out.html")
    text, shown = answer_of(page), Page(page)
    assert text.startswith("2 runs with 2 kinds of settings. Of one the test error is 3.00 %, of a")
    assert "Whether two or one is better is not known" in text
    assert "Next: run more seeds of one" in text
    assert shown.has_row("", "one", "two") and shown.has_row("search.epochs", "3", "9")
    assert shown.has_row("name", "digits") and not shown.has_row("search.epochs", "3")


def test_runs_whose_settings_are_empty_have_a_page(make_run: Make, tmp_path: Path) -> None:
    paths = [make_run(name, recipe={"a": 1}) for name in ("one", "two")]
    for path in paths:
        (path / "config.yaml").write_text("recipe: {}\nenvironment: {}\n")
    text = answer_of(write_several(paths, tmp_path / "out.html"))
    assert text.startswith("2 runs, of which the settings of 0 are known.")
    assert text.endswith("Next: use one of them.")


def test_searches_of_networks_of_ones_own_are_drawn_by_their_modules(tmp_path: Path) -> None:
    for seed in range(2):
        act = Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
        net = Supernet(nn.Sequential(Linear(3, Value("width", [2, 8])), act))
        search = {"steps": 4, "batch_size": 10, "preset": "paper", "seed": seed}
        data, out = TensorDataset(torch.ones(40, 3)), tmp_path / f"own-{seed}"
        pdas.search(net, lambda f, batch: f(batch[0]).square().mean(), data, out=out, **search)
    page = write_several([tmp_path / "own-0", tmp_path / "own-1"], tmp_path / "out.html")
    text, shown = answer_of(page), Page(page)
    assert text.startswith("2 runs that differ in their seeds only.")
    assert "pdas compare" not in text and "Not complete" not in text and "pdas export" not in text
    assert any("The modules of Sequential" in name for name in shown.drawings)


def test_groups_of_the_same_seeds_are_compared(make_run: Make) -> None:
    paths = []
    for name, epochs, errors in (("a", 3, (3.0, 3.2, 3.0)), ("b", 9, (2.0, 2.2, 2.1))):
        for seed, error in enumerate(errors):
            recipe = {"name": "digits", "search": {"method": "pdas", "epochs": epochs}}
            path = make_run(f"{name}{seed}", errors=(error,), recipe=recipe)
            config = yaml.safe_load((path / "config.yaml").read_text()) | {"seed": seed}
            (path / "config.yaml").write_text(yaml.safe_dump(config))
            paths.append(path)
    page = write_several(paths, paths[0].parent / "out.html")
    differences = [2.0 - 3.0, 2.2 - 3.2, 2.1 - 3.0]
    low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    expected = f"{np.mean(differences):.2f} [{low:.2f}, {high:.2f}] %: that is better."
    said = "The difference of b0, b1, b2 to a0, a1, a2, paired by seed, is"
    assert f"{said} {expected}" in answer_of(page)
    assert Page(page).rows[0][:3] == ["", "mean of a0, a1, a2", "mean of b0, b1, b2"]


def test_hostile_names_and_files_are_escaped(make_run: Make, tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>`$x$"
    labels = {f"{bad}/1": bad, "b": "c"}
    paths = [
        make_run(f"{i}{bad}".replace("/", "_"), architecture=labels, recipe={"name": bad})
        for i in range(2)
    ]
    (paths[1] / "config.yaml").write_text(f"recipe: {{'{bad}': [1]}}\nenvironment: {{}}\n")
    (paths[1] / "search.json").write_text(f'{{"method": "{bad}", "stopped": "{bad}"}}')
    page = Page(write_several(paths, tmp_path / "out.html"))
    assert page.scripts == 1  # that of the page itself
    assert bad in "".join(page.texts)


def test_damaged_runs_do_not_keep_the_page_away(make_run: Make, tmp_path: Path) -> None:
    names = ("architecture.json", "config.yaml", "metrics.csv", "search.json", "theta.npz")
    for seed, name in enumerate(names):
        (make_run(f"seed-{seed}") / name).write_bytes(b"\xff{")
    (tmp_path / "seed-9").mkdir()
    page = Page(write_sweep(tmp_path))
    (missing,) = (row for row in page.rows if row[0] == "missing")
    *told, last = missing[2:]
    for name, text in zip(names, told, strict=True):
        assert (f"{name}: damaged" in text) == (name != "theta.npz")  # which the page does not read
    assert "has no config.yaml" in last


def test_a_sweep_without_a_single_whole_run_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text('{"failed": {"0": "no room"}}')
    page = write_page_of([tmp_path])
    assert Page(page).has_row("missing", "no room")
    assert answer_of(page).startswith(
        "1 run, of which the settings of 0 are known. Not complete: seed-0."
    )


def test_a_page_takes_the_place_of_reports_only(sweep: Path, tmp_path: Path) -> None:
    runs = [sweep / "seed-0", sweep / "seed-1"]
    out = tmp_path / "mine.html"
    write_several(runs, out)
    write_several(runs[::-1], out)  # a report may be replaced
    for content in (b"<html>my own</html>", b"", b"x" * 100_000):
        out.write_bytes(content)
        with pytest.raises(RunError, match=r"^--out: found .*mine\.html, which is no report"):
            write_several(runs, out)
        assert out.read_bytes() == content
    with pytest.raises(RunError, match="which is no report"):
        write_several(runs, tmp_path)
    with pytest.raises(RunError, match=r"^run: .*nowhere has no config\.yaml"):
        write_several([runs[0], tmp_path / "nowhere"], tmp_path / "new.html")
    assert not (tmp_path / "new.html").exists()


def test_one_directory_has_its_page_within(sweep: Path, tmp_path: Path) -> None:
    assert write_page_of([sweep / "seed-0"]) == sweep / "seed-0" / "report.html"
    with pytest.raises(SettingError, match=r"^--out: found 1 directory, whose page goes into it"):
        write_page_of([sweep], tmp_path / "x.html")
    with pytest.raises(SettingError, match=r"^--out: found no run"):
        write_page_of([])
    with pytest.raises(RunError, match="has no config"):
        write_page_of([tmp_path / "nowhere"])
    made = make_comparison(tmp_path / "compare", {"pdas": [3.0, 3.1], "random": [4.0, 4.2]})
    assert write_page_of([made]) == made / "report.html"


def test_a_sweep_is_known_before_it_ends(sweep: Path) -> None:
    assert is_sweep(sweep)
    assert not is_sweep(sweep / "seed-0") and not is_sweep(sweep / "nowhere")


def test_a_comparison_shows_the_runs_of_each_row(tmp_path: Path) -> None:
    path = make_comparison(tmp_path, {"pdas": [3.0, 3.1], "random": [4.0, 4.2], "nas": []})
    (path / "pdas" / "seed-0" / "metrics.csv").write_text("step,decided,loss\n3,0.5,1.0\n")
    (path / "random" / "seed-1" / "architecture.json").write_text('{"op": "pool"}')
    (path / "random" / "seed-0" / "report.html").write_text("of the run")
    shown = Page(page := write_comparison(read_results(path)))
    text = answer_of(page)
    assert text.startswith("Of 3 methods pdas has the best mean test error, 3.05 ± 0.07 %. ")
    assert text.endswith("Next: give the same command again; it continues what is not finished.")
    assert "./random/seed-0/report.html" in shown.references
    assert "pdas, seed 0, pdas, seed 1" in shown.texts  # the same architecture, shown once
    assert "random, seed 1" in shown.texts
    assert shown.has_row("op", "50 %", "conv", "pool")
    assert shown.has_row("nas, seed 0", "search: <b>broken</b>")
    assert len(shown.drawings) == 2  # both curves, of the only run with a course


def test_a_comparison_that_is_settled_needs_no_more_seeds(tmp_path: Path) -> None:
    path = make_comparison(tmp_path, {"pdas": [3.0, 3.1, 3.05], "random": [6.0, 6.2, 6.1]})
    assert answer_of(write_comparison(read_results(path))).endswith(
        "Settled: random is worse than pdas."
    )
    path = make_comparison(tmp_path / "open", {"pdas": [3.0, 3.1], "random": [6.0, 2.0]})
    assert "Next: more seeds, by the same" in answer_of(write_comparison(read_results(path)))
