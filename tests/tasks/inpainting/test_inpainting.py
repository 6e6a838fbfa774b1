"""Whole experiments of inpainting, with tiny networks."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pdas
from pdas.data.masks import find_mask
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.spaces.autoencoders.space import chain_text, decode_chain
from pdas.spaces.base import family_of
from pdas.support.errors import (
    DataError,
    OutOfMemoryError,
    PdasWarning,
    RunError,
    SettingError,
    SpaceError,
)
from pdas.tasks.base import TASKS
from pdas.tasks.inpainting.quality import quality
from pdas.tasks.inpainting.restorer import Restorer
from pdas.tasks.inpainting.task import InpaintingTask, restoration_loss
from tests.conftest import changed, without_times

paper_search = partial(pdas.search, preset="paper")

CPU = torch.device("cpu")


def task_of(experiment: Experiment) -> InpaintingTask:
    task = TASKS["inpainting"].open(experiment.recipe, experiment.data_dir, CPU)
    assert isinstance(task, InpaintingTask)
    return task


def restorer(path: Path) -> Restorer:
    found = pdas.load(path)
    assert isinstance(found, Restorer)
    return found


def test_a_run_leaves_every_file(restored: Run) -> None:
    files = {str(file.relative_to(restored.path)) for file in restored.path.rglob("*")}
    assert files == {
        "config.yaml",
        "architecture.json",
        "search.json",
        "last_look.json",
        "metrics.csv",
        "theta.npz",
        "retrain-0",
        "retrain-0/config.yaml",
        "retrain-0/metrics.csv",
        "retrain-0/restored.npz",
        "retrain-0/result.json",
        "retrain-0/test_scores.npz",
        "retrain-0/weights.safetensors",
    }


def test_the_rate_falls_with_every_step(inpainting: Experiment, tmp_path: Path) -> None:
    run = changed(inpainting, "search.steps=7").search(tmp_path / "run")
    rows = list(csv.DictReader((run.path / "metrics.csv").read_text().splitlines()))
    # 100 crops: 3 batches of 16 in a half.
    assert [(row["step"], row["epoch"]) for row in rows] == [("3", "1"), ("6", "2"), ("7", "3")]
    cosine = [0.0125 * (1 + np.cos(np.pi * step / 7)) for step in (2, 5, 6)]
    rate = inpainting.recipe.search.optimizer.learning_rate / 0.025
    assert [float(row["learning_rate"]) / rate for row in rows] == pytest.approx(cosine)
    assert run.read_json("search.json")["steps"] == 7


def test_the_result_is_what_the_saved_weights_do(inpainting: Experiment, restored: Run) -> None:
    (retrained,) = restored.retrainings()
    result = retrained.read_json("result.json")
    again = inpainting.evaluate(retrained)
    assert again == {name: result[name] for name in again}
    network = restorer(restored.path).network
    assert result["params"] == sum(weight.numel() for weight in network.parameters())
    assert chain_text(decode_chain(result["architecture"])) == str(network)
    data = task_of(inpainting).data
    psnrs: dict[str, list[float]] = {"psnr": [], "psnr_composited": [], "psnr_hidden": []}
    for masked, whole, hidden in data.test_batches().with_masks():
        with torch.no_grad():
            error = (network(masked).clamp(0, 1) - whole).square()
        psnrs["psnr"] += (-10 * error.mean((1, 2, 3)).log10()).tolist()
        of_hidden = error * hidden
        psnrs["psnr_composited"] += (-10 * of_hidden.mean((1, 2, 3)).log10()).tolist()
        among_hidden = of_hidden.sum((1, 2, 3)) / (3 * hidden.sum((1, 2, 3)))
        psnrs["psnr_hidden"] += (-10 * among_hidden.log10()).tolist()
    for name, values in psnrs.items():
        assert len(values) == result["images"] == 10
        bounded = np.minimum(values, 100)
        assert result[name] == pytest.approx(bounded.mean(), abs=1e-4)
        assert result[f"{name}_std"] == pytest.approx(bounded.std(), abs=1e-4)


def test_baselines_are_of_the_same_images_and_masks(inpainting: Experiment, restored: Run) -> None:
    result = restored.retrainings()[0].read_json("result.json")
    batches = list(task_of(inpainting).data.test_batches().with_masks())
    masked, whole, hidden = (torch.cat(part) for part in zip(*batches, strict=True))
    expected = quality(masked, whole, hidden).summary()
    assert result["baselines"]["masked"] == pytest.approx(expected)
    assert expected["psnr_composited"] == expected["psnr"]  # known pixels are there as given
    classical = result["baselines"]["biharmonic"]
    assert classical["psnr"] > expected["psnr"]
    assert classical["psnr_composited"] == pytest.approx(classical["psnr"], abs=1e-3)
    assert classical["psnr_hidden"] < classical["psnr"]


def test_each_photograph_has_its_measures(restored: Run) -> None:
    result = restored.retrainings()[0].read_json("result.json")
    by_class = result["by_class"]
    assert set(by_class) == {"astronaut", "china"}
    low, high = sorted(measures["psnr"] for measures in by_class.values())
    assert low <= result["psnr"] <= high


def test_samples_are_the_best_the_median_and_the_worst(restored: Run) -> None:
    samples = np.load(restored.path / "retrain-0" / "restored.npz")
    assert samples["clean"].shape == samples["restored"].shape == (3, 6, 3, 16, 16)
    flat = samples["psnr"].reshape(-1)
    best, median, worst = samples["psnr"]
    assert best[0] == flat.max() and worst[-1] == flat.min()
    assert best.mean() > median.mean() > worst.mean()
    hidden = samples["masked"].max((0, 1, 2)) == 0
    assert hidden[4:12, 4:12].all() and hidden.sum() == 64
    whole, restored_ = (torch.tensor(samples[name][0]) / 255 for name in ("clean", "restored"))
    where = torch.from_numpy(hidden).expand(6, 1, 16, 16)
    found = quality(restored_, whole, where)  # of rounded pixels
    assert found.psnr.tolist() == pytest.approx(best.tolist(), abs=1)
    expected = samples["psnr_composited"][0].tolist()
    assert found.psnr_composited.tolist() == pytest.approx(expected, abs=1)
    filled = np.where(hidden, samples["restored"], samples["clean"])
    assert (samples["composited"] == filled).all()


def test_all_architectures_of_a_step_see_the_same_mask(inpainting: Experiment) -> None:
    seen: list[int] = []
    pixel = changed(inpainting, "mask=pixel")

    class Spy(InpaintingTask):
        def loss(self, model: Any, batch: Any) -> Any:
            seen.append(hash(batch[0].numpy().tobytes()))
            return super().loss(model, batch)

    task = task_of(pixel)
    spy = Spy(task.recipe, task.data)
    steps = (
        paper_search(spy.supernet(), spy.loss, spy.search_batches(0), epochs=None, steps=3)
        .history[-1]
        .step
    )
    assert steps == 3 and len(seen) == 12  # two architectures, two halves
    assert seen[::2] == seen[1::2] and len(set(seen)) == 6


def test_the_loss_is_the_mean_square_over_all_pixels() -> None:
    masked, whole = torch.rand(2, 1, 3, 8, 8)
    measured = restoration_loss(lambda x: x, (masked, whole))
    error = ((masked - whole) ** 2).mean()
    assert float(measured["loss"]) == pytest.approx(float(error))
    assert float(measured["psnr"]) == pytest.approx(-10 * np.log10(float(error)))


def test_random_and_base_change_the_architecture_alone(
    inpainting: Experiment, restored: Run, tmp_path: Path
) -> None:
    given = restored.path / "architecture.json"
    base = changed(inpainting, "search.method=base", f"search.method.like={given}")
    random = changed(inpainting, "search.method=random")
    found = decode_chain(restored.read_json("architecture.json"))
    chain = decode_chain(base.search(tmp_path / "base").read_json("architecture.json"))
    assert len(chain) == len(found)
    assert {(layer.type.label, layer.channels) for layer in chain} == {("3x3_skip", 4)}
    run = random.search(tmp_path / "random")
    assert run.read_json("search.json") == {
        "method": "random",
        "seed": 0,
        "seconds": 0.0,
        "steps": 0,
        "stopped": None,
        "tf32": False,
    }
    drawn = task_of(random).space.uniform(np.random.default_rng(0))
    assert run.read_json("architecture.json") == drawn.to_dict()
    result = random.retrain(run).read_json("result.json")
    assert result["baselines"] == restored.retrainings()[0].read_json("result.json")["baselines"]


def test_base_needs_a_file(inpainting: Experiment, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^search\.method\.like: found '', expected the file"):
        changed(inpainting, "search.method=base")
    missing = changed(inpainting, "search.method=base", "search.method.like=nowhere.json")
    with pytest.raises(SettingError, match=r"^search\.method\.like: .*nowhere\.json: cannot be"):
        missing.search(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_architecture_is_retrained_on_other_images(
    inpainting: Experiment, restored: Run, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "grey").mkdir()
    for i in range(30):
        pixels = rng.integers(0, 255, (20, 24)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "grey" / f"{i}.png")
    folder = changed(
        inpainting,
        "data.name=folder",
        "data.crops=null",
        "data.test_images=null",
        "network.layers=7",
    )
    folder = replace(folder, data_dir=tmp_path / "grey")
    with pytest.warns(PdasWarning, match="30 of 30 images are grey"):
        run = folder.retrain_file(restored.path / "architecture.json", tmp_path / "out")
    result = run.retrainings()[0].read_json("result.json")
    assert result["network"]["image_channels"] == 3 and result["images"] == 6
    assert "by_class" not in result
    (tmp_path / "cells.json").write_text('{"normal/node1/op1": "identity"}')
    with pytest.raises(SpaceError, match=r"cells\.json: architecture: found no layers"):
        folder.retrain_file(tmp_path / "cells.json", tmp_path / "other")


def test_a_restorer_fills_what_is_hidden_and_keeps_the_rest(restored: Run) -> None:
    found = restorer(restored.path)
    images = torch.randint(256, (2, 3, 16, 16), dtype=torch.uint8)
    hidden = find_mask("pixel")(images, torch.Generator().manual_seed(0))
    result = found.restore(images, hidden)
    assert result.dtype == torch.uint8
    assert torch.equal(result.masked_select(~hidden), images.masked_select(~hidden))
    with torch.no_grad():
        plain = found.network((images / 255).masked_fill(hidden, 0)).clamp(0, 1)
    expected = (plain * 255).round().to(torch.uint8)
    assert torch.equal(result.masked_select(hidden), expected.masked_select(hidden))
    for wrong in (hidden[:1], hidden.int(), hidden.expand(2, 3, 16, 16), "mask.png"):
        with pytest.raises(DataError, match="hidden: found"):
            found.restore(images, wrong)


def test_a_restorer_takes_images_in_every_form(restored: Run, tmp_path: Path) -> None:
    found = restorer(restored.path)
    array = np.random.default_rng(0).integers(256, size=(24, 20, 3), dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / "a.png")
    hidden = np.zeros((24, 20), bool)
    hidden[3:9, 4:] = True
    images = torch.from_numpy(array).permute(2, 0, 1)[None]
    expected = found.restore(images, torch.from_numpy(hidden)[None, None])
    for image in (str(tmp_path / "a.png"), Image.open(tmp_path / "a.png"), array / 255, images[0]):
        assert torch.equal(found.restore(image, hidden), expected)
    assert torch.equal(found.restore([array, images[0]], hidden), expected.expand(2, -1, -1, -1))


@pytest.mark.parametrize(
    "damage",
    [
        lambda result: result.pop("network"),
        lambda result: result["network"].update(image_channels=1),
        lambda result: result["architecture"].update({"output/from": "nothing"}),
        lambda result: result["architecture"].update({"output/from": 3, "layer3/from": 3}),
        lambda result: result["architecture"].update({"output/from": 1, "layer1/type": "3x3"}),
    ],
)
def test_a_damaged_result_is_one_line(
    restored: Run, tmp_path: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    copy = Path(shutil.copytree(restored.path, tmp_path / "copy"))
    file = copy / "retrain-0" / "result.json"
    result = json.loads(file.read_text())
    damage(result)
    file.write_text(json.dumps(result))
    with pytest.raises(RunError, match=r"result\.json") as error:
        pdas.load(copy)
    assert "\n" not in str(error.value)


def test_a_mask_of_ones_own(
    inpainting: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stripes.py").write_text(
        "import torch\n\n\n"
        "def stripes(images, generator):\n"
        "    columns = torch.arange(images.shape[3], device=images.device) % 2 == 0\n"
        "    return columns.expand(len(images), 1, *images.shape[2:])\n"
    )
    monkeypatch.chdir(tmp_path)
    own = changed(inpainting, "mask=stripes:stripes")
    masked, whole = next(iter(task_of(own).data.test_batches()))
    assert not masked[..., ::2].any() and torch.equal(masked[..., 1::2], whole[..., 1::2])
    (tmp_path / "broken.py").write_text("def broken(images, generator):\n    return 1 / 0\n")
    with pytest.raises(SettingError, match=r"mask: the function failed .*division by zero"):
        changed(inpainting, "mask=broken:broken").search(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(SettingError, match=r"mask: found 'middle', expected center, pixel, half"):
        task_of(changed(inpainting, "mask=middle"))


def test_the_same_seed_gives_the_same_run(
    inpainting: Experiment, restored: Run, tmp_path: Path
) -> None:
    again = inpainting.search(tmp_path / "again")
    assert again.read_json("architecture.json") == restored.read_json("architecture.json")
    result = inpainting.retrain(again).read_json("result.json")
    first = restored.retrainings()[0].read_json("result.json")
    assert without_times(result) == without_times(first)


def test_the_chain_is_told_as_the_paper_draws_it(restored: Run) -> None:
    labels = restored.read_json("architecture.json")
    family = family_of(labels)
    assert family is not None
    assert family.rows(labels) == [("chain", chain_text(decode_chain(labels)))]
    assert restored.retrainings()[0].read_json("result.json")["architecture"] == labels


def test_a_network_beyond_the_memory_is_one_line(inpainting: Experiment, tmp_path: Path) -> None:
    with pytest.raises(OutOfMemoryError, match=r"^memory: the supernet .* network\.channels"):
        changed(inpainting, "network.channels=[100000]").search(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_evaluation_that_fails_can_be_had_again(
    inpainting: Experiment, restored: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    run = Run(Path(shutil.copytree(restored.path, tmp_path / "copy")))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("pdas.tasks.inpainting.task.baseline_measures", fails)
        replace(inpainting, seed=1).retrain(run)
    assert len(run.retrainings()) == 1
    second = replace(inpainting, seed=1).retrain(run, resume=True)
    assert set(second.read_json("result.json")) >= {"psnr", "ssim"}
