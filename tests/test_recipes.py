"""The shipped recipes, and changes to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pdas import recipes
from pdas.methods.settings import SearchSettings
from pdas.support.errors import SettingError


@pytest.mark.parametrize("name", recipes.names())
def test_shipped_recipes_are_valid_and_survive_yaml(name: str, tmp_path: Path) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name
    assert recipe.description
    file = tmp_path / "copy.yaml"
    file.write_text(recipes.dump(recipe))
    assert recipes.load(str(file)) == recipe


def test_the_description_of_a_folder_names_no_size_that_is_a_setting() -> None:
    assert not re.search(r"\d+x\d+", recipes.load("folder", ["data.image_size=64"]).description)


def test_cifar10_has_the_numbers_of_the_paper() -> None:
    recipe = recipes.load("cifar10")
    data, network = recipe.data, recipe.network
    assert (data.name, data.pad, data.flip, data.cutout) == ("cifar10", 4, True, 16)
    assert (network.nodes, network.cells_per_stage, network.channels) == (5, 2, 16)
    assert len(network.operations) == 5
    search, retrain = recipe.search, recipe.retrain
    assert (search.epochs, search.batch_size, search.samples) == (200, 64, 2)
    assert (retrain.epochs, retrain.batch_size, retrain.cells_per_stage) == (600, 80, 6)
    assert (retrain.weight_limit, retrain.drop_path, retrain.auxiliary_weight) == (3e6, 0.3, 0.4)
    for stage in (search, retrain):
        optimizer = stage.optimizer
        assert (optimizer.name, optimizer.learning_rate, optimizer.momentum) == ("sgd", 0.025, 0.9)
        assert (optimizer.weight_decay, stage.clip, stage.schedule.name) == (3e-4, 5, "cosine")
    method = search.method
    assert (method.name, method.eta, search.resample) == ("pdas", "adaptive", False)


@pytest.mark.parametrize("mask", ["center", "pixel", "half"])
@pytest.mark.parametrize("data", ["celeba", "cars", "svhn"])
def test_inpainting_has_the_numbers_of_the_paper(data: str, mask: str) -> None:
    recipe = recipes.load(f"{data}-{mask}")
    assert (recipe.task, recipe.mask, recipe.data.name) == ("inpainting", mask, data)
    assert (recipe.data.image_size, recipe.data.channels, recipe.data.flip) == (64, 3, True)
    assert (recipe.data.train_images, recipe.data.test_images) == (None, None)
    network, search, retrain = recipe.network, recipe.search, recipe.retrain
    assert (network.layers, network.level_back) == (20, 5)
    assert (network.kernels, network.channels) == ((1, 3, 5), (64, 128, 256))
    assert (search.steps, retrain.steps, search.samples) == (50_000, 500_000, 2)
    for stage in (search, retrain):
        optimizer = stage.optimizer
        assert (optimizer.name, optimizer.learning_rate, optimizer.momentum) == ("sgd", 0.025, 0.9)
        assert (stage.epochs, stage.batch_size, optimizer.weight_decay) == (None, 16, 0)
        assert (stage.clip, stage.schedule.name) == (5, "cosine")
    method = search.method
    assert (method.name, method.eta, search.resample) == ("pdas", "adaptive", False)


DATA, MASKS = ("celeba", "cars", "svhn"), ("center", "pixel", "half")
MASKED = [f"{data}-{mask}" for data in DATA for mask in MASKS]
PAPER = ["cifar10", "fashion-mnist-paper", *MASKED]
ADDED = (
    *("warmup", "theta_samples", "theta_mode", "method"),
    *("finalists", "finalists_share", "finalists_epochs"),
)


@pytest.mark.parametrize("name", PAPER)
def test_the_recipes_of_the_paper_search_as_the_paper_does(name: str) -> None:
    search, plain = recipes.load(name).search, SearchSettings()
    assert all(getattr(search, each) == getattr(plain, each) for each in ADDED)
    assert search.optimizer.name == plain.optimizer.name


def test_changes_reach_their_setting() -> None:
    recipe = recipes.load("digits", ["search.epochs=7", "network.operations=[identity]"])
    assert recipe.search.epochs == 7
    assert recipe.network.operations == ("identity",)
    assert recipe.retrain == recipes.load("digits").retrain


@pytest.mark.parametrize(
    ("recipe", "changes", "length"),
    [
        ("digits", ["search.steps=7"], (None, 7)),
        ("digits", ["search.epochs=7"], (7, None)),
        ("digits", ["search.epochs=null", "search.steps=7"], (None, 7)),
        ("digits", ["search.steps=7", "search.epochs=null"], (None, 7)),
        ("digits", ["search.steps=7", "search.steps=null", "search.epochs=8"], (8, None)),
        ("inpaint-photos", ["search.epochs=7"], (7, None)),
        ("inpaint-photos", ["search.steps=7"], (None, 7)),
    ],
)
@pytest.mark.parametrize("group", ["search", "retrain"])
def test_a_length_takes_the_place_of_the_other(
    recipe: str, changes: list[str], length: tuple[int | None, int | None], group: str
) -> None:
    changes = [change.replace("search", group) for change in changes]
    settings = getattr(recipes.load(recipe, changes), group)
    assert (settings.epochs, settings.steps) == length


def test_both_lengths_or_none_are_refused() -> None:
    for changes in (["search.steps=7", "search.epochs=7"], ["search.epochs=null"]):
        with pytest.raises(SettingError, match=r"^search: found epochs = .*, expected one of both"):
            recipes.load("digits", changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("search.epoch=1", r"'search.epoch'; did you mean search.epochs"),
        ("search.epochs_=1", r"did you mean search.epochs\? `"),  # and no other
        ("epoch=1", r"did you mean search.epochs or retrain.epochs\?"),
        ("epochs=1", r"did you mean search.epochs or retrain.epochs\?"),
        ("retrain.nodes=4", r"did you mean network.nodes\?"),
        ("search.lr=1", "no setting 'search.lr'; `pdas recipes --show digits` lists"),
        ("nothing=1", "no setting 'nothing'; `pdas"),
        ("search=1", "no setting 'search'"),
        ("search.epochs.more=1", "no setting"),
        ("search.epochs", "KEY=VALUE"),
        ("search.epochs=many", r"search.epochs: found 'many'"),
        ("search.epochs=0", r"search.epochs: found 0"),
        ("search.samples=1", r"search.samples: found 1"),
        ("search.method=best", r"search.method: found 'best'"),
        ("data.channels=2", r"data.channels: found 2"),
        ("search.epochs=[", "expected a YAML value"),
    ],
)
def test_a_bad_change_is_one_line_that_names_it(change: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as error:
        recipes.load("digits", [change])
    assert "\n" not in str(error.value)


def test_unknown_recipes_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="found 'digit', expected one of cars-center, "):
        recipes.load("digit")
    cases = (("a: [", "is not YAML"), ("word", "holds no settings"), ("a: 1", "name: "))
    for text, message in cases:
        file = tmp_path / "my.yaml"
        file.write_text(text)
        with pytest.raises(SettingError, match=message):
            recipes.load(str(file))


def test_a_date_that_is_none_is_one_line() -> None:
    with pytest.raises(SettingError, match="expected a YAML value"):
        recipes.load("digits", ["name=2024-13-45"])


def test_a_task_that_is_no_name_is_one_line() -> None:
    with pytest.raises(SettingError, match=r"^task: found \[1\]"):
        recipes.load("digits", ["task=[1]"])


def test_a_method_is_a_name_or_a_name_with_its_settings(tmp_path: Path) -> None:
    def method(*changes: str) -> dict[str, object]:
        return recipes.load("digits", changes).search.method.model_dump()

    plain = method()
    assert plain["name"] == "pdas"
    assert method("search.method=pdas") == plain
    assert method("search.method={name: pdas, alpha: 2}") == plain | {"alpha": 2}
    assert method("search.method.alpha=2", "search.method.eta=fixed") == plain | {
        "alpha": 2,
        "eta": "fixed",
    }
    assert method("search.method={eta: 0.1}") == plain | {"eta": 0.1}
    assert method("search.method=random") == {"name": "random"}
    for changes in (
        ("search.method=base", "search.method.like=a.json"),
        ("search.method={name: base, like: a.json}",),
        ("search.method={name: base}", "search.method.like=a.json"),
    ):
        assert method(*changes) == {"name": "base", "like": "a.json"}
    (tmp_path / "r.yaml").write_text("{name: mine, search: {method: random}}")
    recipe = recipes.load(str(tmp_path / "r.yaml"))
    assert recipe.search.method.name == "random"
    assert recipes.change(recipe, ["search.method=pdas"]).search.method.name == "pdas"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("search.method=[1]", r"^search\.method: found \[1\], expected a name, or a mapping"),
        ("search.method={name: [1]}", r"^search\.method\.name: found .*\[1\].*, expected one"),
        ("search.method={name: best}", r"^search\.method\.name: found 'best', expected one"),
        ("search.method.beta=1", r"^search\.method\.beta: there is no such setting, expected one"),
        ("network.operations=[]", r"^network\.operations: found \[\], expected at least 1 item$"),
        (
            "search.method.alpha=-1",
            r"^search\.method\.alpha: found -1, expected a number above 0; ",
        ),
        ("search.method.eta=slow", r"^search\.method\.eta\S*: found 'slow', expected"),
        ("search.method={name: random, alpha: 2}", r"^search\.method\.alpha: there is no such"),
        ("search.method=base", r"^search\.method\.like: found '', expected the file of an arch"),
        ("search.optimizer=adam", r"^search\.optimizer: found 'adam', expected one of adamw, sgd"),
        ("search.schedule=steps", r"^search\.schedule: found 'steps', expected one of con"),
    ],
)
def test_a_bad_component_is_one_line_that_names_it(change: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as error:
        recipes.load("digits", [change])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("retrain.ema=1", "retrain.ema: found 1, expected a number below 1; lower it"),
        ("device.kernels=fast", "device.kernels: found 'fast', expected 'auto' or 'library'; set"),
        ("device.compile=maybe", "device.compile: found 'maybe', expected true or false; write"),
        ("search.image_size=1.5", "search.image_size: found 1.5, expected a whole number; write"),
        (
            "retrain.limit=600",
            "retrain.limit: found 600, expected its settings by name; set it to {cost: ..., max",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_one_line_with_a_remedy(change: str, message: str) -> None:
    with pytest.raises(SettingError) as error:
        recipes.load("digits", [change])
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_a_method_that_is_code_is_refused_from_a_file_and_accepted_as_a_change(
    tmp_path: Path,
) -> None:
    file = tmp_path / "r.yaml"
    refused = r"^search\.method: found 'evil:Method' in \S+, which is code .*; if you"
    for method in ("evil:Method", '{name: "evil:Method", rate: 2}'):
        file.write_text(f"name: mine\nsearch:\n  method: {method}\n")
        for changes in ([], ["search.epochs=3"], ["search.method.rate=3"]):
            with pytest.raises(SettingError, match=refused) as error:
                recipes.load(str(file), changes)
            assert str(error.value).endswith("add --set search.method=evil:Method")
        assert recipes.load(str(file), ["search.method=random"]).search.method.name == "random"
    allowed = recipes.load("digits", ["search.method=evil:Method", "search.method.rate=2"])
    assert allowed.search.method.model_dump() == {"name": "evil:Method", "rate": 2}
    assert recipes.load(str(file), ["search.method=evil:Method"]).search.method.name != "pdas"


@pytest.mark.parametrize(
    "values",
    [
        {"search.epochs": 7, "network.nodes": 3, "search.optimizer": "adamw"},
        {"search": {"epochs": 7, "optimizer": "adamw"}, "network": {"nodes": 3}},
        {"search": {"epochs": 7, "optimizer": {"name": "adamw"}}, "network.nodes": 3},
        {"search": {"optimizer.name": "adamw"}, "search.epochs": 7, "network": {"nodes": 3}},
        {"search.epochs": 7, "search": {"epochs": 7, "optimizer": "adamw"}, "network.nodes": 3},
    ],
)
def test_changes_are_named_by_dots_or_in_groups(values: dict[str, Any]) -> None:
    recipe = recipes.load("digits")
    found = recipes.change(recipe, recipes.as_changes(values))
    words = ["search.epochs=7", "network.nodes=3", "search.optimizer=adamw"]
    assert found == recipes.change(recipe, words) != recipe


def test_a_group_keeps_what_is_not_named() -> None:
    recipe = recipes.load("digits", ["network.channels=6", "search.optimizer.momentum=0.5"])
    values = {"network": {"nodes": 3}, "search": {"optimizer": {"learning_rate": 0.1}}}
    found = recipes.change(recipe, recipes.as_changes(values))
    assert (found.network.channels, found.network.nodes) == (6, 3)
    assert found.search.optimizer.model_dump()["momentum"] == 0.5
    assert found.search.optimizer.learning_rate == 0.1


def test_a_path_is_text_and_a_mapping_of_a_value_stays_one() -> None:
    limit = {"cost": "parameters", "maximum": 5}
    changes = recipes.as_changes({"search": {"limit": limit, "method": {"like": Path("a/b")}}})
    assert changes == [
        'search.limit={"cost": "parameters", "maximum": 5}',
        'search.method.like="a/b"',
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"search.epochs": 7, "search": {"epochs": 8}},
        {"search.optimizer": "sgd", "search": {"optimizer": {"name": "adamw"}}},
        {"network": {"space": "cells"}, "network.space": "autoencoders"},
    ],
)
def test_two_values_of_a_setting_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"^changes: found .* and .* for .*, expected one value"):
        recipes.as_changes(values)
