"""The parts of the page: the answer, the posterior, theta over the search, what is missing."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from itertools import product
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from pdas.report.page import write_report
from pdas.report.parts.answer import answer
from pdas.report.parts.posterior import MOST_ROWS, add_posterior
from pdas.report.parts.theta import MOST_BOXES, MOST_FRAMES, add_theta
from pdas.report.reader import NamedTheta, read_summary, read_theta
from pdas.runs.run import Run
from pdas.space.decided import ThetaHistory


def theta_of(theta: list[list[float]], *sizes: int) -> NamedTheta:
    history = ThetaHistory(
        np.arange(len(theta), dtype=float), np.array(theta), np.array(sizes), np.ones(len(sizes))
    )
    labels = [[f"c{j}" for j in range(size)] for size in sizes]
    return NamedTheta(history, [f"v{i}" for i in range(len(sizes))], labels)


def rows(parent: Element) -> list[list[str]]:
    return [[cell.text or "" for cell in line] for line in parent.iter("tr")]


def boxes(parent: Element) -> list[tuple[str, str]]:
    return [(box[0].text or "", box[1].text or "") for box in parent.iter("li")]


SMALL = theta_of([[0.5, 0.5, *[1 / 3] * 3], [0.9, 0.1, 0.2, 0.7, 0.1]], 2, 3)


# ---- the answer


def said(run: Path) -> str:
    opened = Run.open(run)
    theta = read_theta(opened) if opened.has("theta.npz") else None
    return " ".join(answer(read_summary(run), theta))


def test_answer_of_a_whole_run(make_run: Callable[..., Path]) -> None:
    recipe = {"name": "digits", "task": "classification", "search": {"method": "pdas"}}
    text = said(make_run(recipe=recipe))
    assert text.startswith("In 20 min 44 s and 40 steps, pdas chose one of 8 architectures: ")
    assert "as sure of it as 91 % of what is possible." in text
    assert "Trained anew, the test error of the network is 3.08 ± 0.14 % (2 retrainings)." in text
    assert "Is it better than random? Not known: no control was run;" in text
    assert "Is it better than a plain network? Not asked; `pdas compare digits --methods" in text
    assert text.endswith(".") and "Next: " in text


def test_answer_of_what_has_not_finished(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=())
    (run / "architecture.json").unlink()
    (run / "search.json").unlink()
    assert said(run) == (
        "Nothing is found yet: the search did not finish. "
        "Next: finish the search: add --resume to the command."
    )


def test_a_task_without_well_known_networks_asks_for_none(make_run: Callable[..., Path]) -> None:
    assert "plain network" not in said(make_run(recipe={"name": "x", "task": "inpainting"}))


def test_answer_of_a_draw(make_run: Callable[..., Path]) -> None:
    assert "The architecture was not searched here (random): " in said(make_run(method="random"))


def test_answer_where_theta_prefers_another(
    make_run: Callable[..., Path],
) -> None:
    run = make_run(architecture={"a": "2", "b": "1", "c": "1"})  # theta prefers the third of b
    assert "in 1 of 3 variables; the found one is what the method took for the best" in said(run)
    (run / "finalists.json").write_text("{}")
    assert "the found one is the best of the finalists" in said(run)


# ---- the posterior


def test_chosen_and_runner_up_of_each_variable_with_entropy() -> None:
    body = Element("body")
    add_posterior(body, SMALL, {"v0": "c1", "v1": "c1"})
    entropy = -sum(p * np.log(p) for p in (0.9, 0.1)) / np.log(2)
    assert rows(body)[1] == ["v0", "c1", "0.100", "c0", "0.900", f"{entropy:.2f}"]
    assert rows(body)[2][:5] == ["v1", "c1", "0.700", "c0", "0.200"]


def test_the_most_probable_architectures_are_those_of_the_enumerated_space() -> None:
    body = Element("body")
    add_posterior(body, SMALL, {})
    ranked = [row for row in rows(body) if len(row) == 3][1:]
    all_of_them = sorted((p * q for p, q in product((0.9, 0.1), (0.2, 0.7, 0.1))), reverse=True)
    assert [float(p) for _, p, _ in ranked] == pytest.approx(all_of_them, rel=1e-2)
    others = [row[2] for row in ranked]
    assert others[:3] == ["none: it is the found one", "v1 = c0", "v1 = c2"]


def test_the_surest_of_very_many_variables_are_left_out() -> None:
    count = MOST_ROWS + 50
    ends = [value for i in range(count) for value in ((0.5, 0.5) if i % 2 else (0.9, 0.1))]
    body = Element("body")
    add_posterior(body, theta_of([ends], *[2] * count), {})
    named = [row[0] for row in rows(body) if len(row) == 6][1:]
    assert len(named) == MOST_ROWS and {f"v{i}" for i in range(1, count, 2)} <= set(named)
    assert "50 more are surer" in "".join(body.itertext())


# ---- theta over the search


def frames(body: Element) -> tuple[list[int], np.ndarray]:
    (script,) = body.iter("script")
    data = json.loads(script.text or "")
    return data["steps"], np.frombuffer(b64decode(data["theta"]), np.uint8)


def test_the_boxes_show_the_last_step_and_the_slider_has_all() -> None:
    body = Element("body")
    add_theta(body, SMALL)
    assert boxes(body) == [
        ("c0", "90 %"), ("c1", "10 %"), ("c0", "20 %"), ("c1", "70 %"), ("c2", "10 %"),
    ]  # fmt: skip
    steps, percent = frames(body)
    assert steps == [0, 1]
    assert percent.tolist() == [50, 50, 33, 33, 33, 90, 10, 20, 70, 10]
    (slider,) = body.iter("input")
    assert (slider.get("min"), slider.get("max"), slider.get("value")) == ("0", "1", "1")


def test_a_long_search_has_the_first_and_the_last_step_and_few_between() -> None:
    history = [[0.5, 0.5]] * 5000 + [[0.8, 0.2]]
    body = Element("body")
    add_theta(body, theta_of(history, 2))
    steps, percent = frames(body)
    assert len(steps) == MOST_FRAMES and (steps[0], steps[-1]) == (0, 5000)
    assert percent[-2:].tolist() == [80, 20]


def test_of_very_many_variables_those_that_moved_most_are_shown() -> None:
    count = 2 * MOST_BOXES
    end = [value for i in range(count) for value in ((0.9, 0.1) if i == 1234 else (0.5, 0.5))]
    body = Element("body")
    add_theta(body, theta_of([[0.5] * 2 * count, end], *[2] * count))
    assert len(boxes(body)) <= MOST_BOXES
    assert "v1234" in [head.text for head in body.iter("th")]


def test_a_variable_without_a_choice_has_no_row() -> None:
    body = Element("body")
    add_theta(body, theta_of([[0.5, 0.5, 1.0]], 2, 1))
    assert [head.text for head in body.iter("th")] == ["v0"]


# ---- what is missing

DAMAGE = [
    *("architecture.json", "search.json", "last_look.json", "config.yaml", "check.json"),
    *("metrics.csv", "theta.npz", "finalists.json", "retrain-0/result.json"),
]


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("content", [b"", b"[1, 2", b"\xff\x00"])
def test_a_broken_run_has_a_page_that_names_the_file(
    make_run: Callable[..., Path], name: str, content: bytes
) -> None:
    run = make_run()
    (run / name).write_bytes(content)
    text = write_report(run).read_text()
    assert "What is missing" in text and f"{run.name}/{name}: damaged" in text
    assert "retrain-1" in text  # the rest is there


def test_a_whole_run_misses_nothing(make_run: Callable[..., Path]) -> None:
    assert "What is missing" not in write_report(make_run()).read_text()


@pytest.mark.parametrize(
    ("gone", "line"),
    [
        (("architecture.json", "search.json"), "the search has not finished"),
        (("metrics.csv", "theta.npz", "architecture.json"), "written after the first epoch"),
        ((), "no network has been retrained to its end"),
    ],
)
def test_an_unfinished_run_says_what_is_missing(
    make_run: Callable[..., Path], gone: tuple[str, ...], line: str
) -> None:
    run = make_run(errors=())
    for name in gone:
        (run / name).unlink()
    assert line in write_report(run).read_text()


def test_a_control_that_is_a_link_is_said(make_run: Callable[..., Path], tmp_path: Path) -> None:
    run, elsewhere = make_run(), make_run("other")
    (run / "control-1").symlink_to(elsewhere)
    assert "control-1 is a link" in write_report(run).read_text()


@pytest.mark.parametrize("content", ['{"steps": "many", "seconds": 3}', '{"decided": NaN}'])
def test_numbers_that_are_none_are_no_part_of_the_answer(
    make_run: Callable[..., Path], content: str
) -> None:
    run = make_run()
    (run / "search.json").write_text(content)
    text = write_report(run).read_text()
    assert "many steps" not in text and "as sure of it as" not in text and "nan only" not in text
