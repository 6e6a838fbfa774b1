"""Two processes against one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from pdas.distributed import ranks as ranks_module
from pdas.distributed.launch import run_ranks
from pdas.distributed.ranks import Ranks
from tests.distributed import rank_worker

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two ranks found in every case."""
    out = tmp_path_factory.mktemp("ranks")
    assert run_ranks([sys.executable, "-m", "tests.distributed.rank_worker", str(out)], 2) == 0
    return [torch.load(out / f"{i}.pt", weights_only=False) for i in range(2)]


def alone(case: str, tmp_path: Path) -> Any:
    return rank_worker.CASES[case](Fabric(accelerator="cpu", devices=1), tmp_path)


def assert_close(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=TOLERANCE, atol=TOLERANCE)


def test_an_architecture_for_each_rank_gives_the_search_of_one_process(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    expected = alone("searched", tmp_path)
    for found in (rank["searched"] for rank in ranks):
        assert found["optimizer"] == expected["optimizer"]  # theta, eta, s, gamma, to the last bit
        assert_close(found["net"], expected["net"])
        assert found["measures"] == pytest.approx(expected["measures"], rel=TOLERANCE)
        assert found["unused"] == expected["unused"] != []


def test_finalists_are_trained_in_turns_as_in_one_process(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    expected = alone("with_finalists", tmp_path)
    first, second = (rank["with_finalists"] for rank in ranks)
    assert first == second
    assert first["theta"] == pytest.approx(np.array(expected["theta"]), abs=1e-12)
    assert first["steps"] == expected["steps"]
    assert len(expected["finalists"]) == 5
    for found, wanted in zip(first["finalists"], expected["finalists"], strict=True):
        assert found.pop("loss") == pytest.approx(wanted.pop("loss"), rel=1e-4)
        assert found == wanted


def test_trials_are_shared_and_give_what_they_give_in_one_process(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    told, rows = alone("trials", tmp_path)
    assert ranks[0]["trials"] == ranks[1]["trials"]
    found, found_rows = ranks[0]["trials"]
    assert [indices for indices, _ in found] == [indices for indices, _ in told]
    assert [error for _, error in found] == pytest.approx([error for _, error in told])
    assert found_rows == [pytest.approx(row) for row in rows]


def test_a_step_waits_for_the_other_rank_as_seldom_as_it_can(ranks: list[dict[str, Any]]) -> None:
    """Measures with used weights, gradients, losses of theta, whether to stop."""
    assert [rank["exchanges"] for rank in ranks] == 2 * [[8 * [4], 8 * [3]]]


def test_pictures_are_decoded_once_by_all_ranks_together(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    """For one message more for each of the two batches of a step."""
    expected = alone("pictures_searched", tmp_path)
    for found in (rank["pictures_searched"] for rank in ranks):
        assert found["optimizer"] == expected["optimizer"]
        assert_close(found["net"], expected["net"])
        assert found["waits and decoded"] == 6 * [[4 + 2, 4]]
    assert expected["waits and decoded"] == 6 * [[0, 8]]


def test_a_last_look_that_fails_on_one_rank_ends_on_all_and_the_result_is_kept(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    first, second = (rank["looks_that_fail"] for rank in ranks)
    assert first == second
    assert [parts for parts, _ in first] == [["ties"], ["ties"]]
    assert len(first[0][1]) == 2


def test_ranks_have_the_same_weights_to_the_last_bit(ranks: list[dict[str, Any]]) -> None:
    for case in ("searched", "retrained", "with_batch_norm", "hypernetwork_searched"):
        first, second = (rank[case]["net"] for rank in ranks)
        assert all(torch.equal(weight, second[name]) for name, weight in first.items())


def test_what_each_rank_computes_is_waited_for_patiently(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rank may have more to measure than another, or decode more slowly."""
    asked: list[bool] = []
    monkeypatch.setattr(ranks_module, "everyones", lambda own, size, group: [own] * size)
    monkeypatch.setattr(
        ranks_module, "group_of", lambda fabric, patiently=False: asked.append(patiently)
    )
    pair = Ranks(Mock(world_size=2, global_rank=0, device=torch.device("cpu")))
    assert pair.gather_of(lambda: [1]) == [1, 1]
    assert asked == [False, True]  # of the random generators, then of what was computed


def test_a_rank_that_compiles_operators_is_waited_for_patiently(
    ranks: list[dict[str, Any]],
) -> None:
    assert [rank["first_waits"] for rank in ranks] == 2 * [[True, True, True]]


def test_what_no_rank_used_is_not_touched(ranks: list[dict[str, Any]], tmp_path: Path) -> None:
    assert [rank["in_one_step"] for rank in ranks] == [["c"], ["c"]]
    torch.manual_seed(0)
    before = rank_worker.Branches().state_dict()

    def touched(net: dict[str, torch.Tensor]) -> set[str]:
        return {name for name, weight in net.items() if not torch.equal(weight, before[name])}

    expected = touched(alone("searched", tmp_path)["net"])
    assert touched(ranks[0]["searched"]["net"]) == expected
    assert 0 < len(expected) < len(before)


def test_an_architecture_that_is_not_finite_is_dropped_on_every_rank(
    ranks: list[dict[str, Any]],
) -> None:
    for weight, gradient, told, record in (rank["one_not_finite"] for rank in ranks):
        assert weight == pytest.approx(1.0 - 0.1 * (4.0 + 0.5))  # of a alone, as in one process
        assert gradient is None
        ((names, losses),) = told
        assert names == ["a", "b"]
        assert losses[0] == pytest.approx(weight) and losses[1] != losses[1]
        assert record == {"loss": 4.0}


def test_ranks_end_alike_if_nothing_is_finite(ranks: list[dict[str, Any]], tmp_path: Path) -> None:
    expected = alone("none_finite", tmp_path)
    assert "not finite for any architecture of step 1" in expected
    assert [rank["none_finite"] for rank in ranks] == [expected] * 2


def test_another_theta_on_a_rank_is_found(ranks: list[dict[str, Any]]) -> None:
    for line in (rank["theta_changed"] for rank in ranks):
        assert line.startswith("theta: found that rank 1 computed another than rank 0")
        assert "\n" not in line


def test_what_one_rank_was_given_and_another_not_is_named(ranks: list[dict[str, Any]]) -> None:
    first, second = ([each["another_seed"], *each["given_something_else"]] for each in ranks)
    assert first == second  # every rank says it, and none waits for ever
    names = ["method.seed", "data", "search.steps", "seed", "limit", "space"]
    names += ["retrain.optimizer.", "validation"]
    for line, name in zip(first, names, strict=True):
        assert line.startswith(name) and " on rank 1, expected " in line and "\n" not in line
    assert first[2] == (
        "search.steps: found 4 on rank 1, expected 3 as on rank 0; give all ranks the same"
    )


def test_samples_are_a_multiple_of_the_ranks(ranks: list[dict[str, Any]]) -> None:
    message = "search.samples: found 3, expected a multiple of the 2 devices"
    assert all(rank["three_samples"].startswith(message) for rank in ranks)


def test_parts_of_a_batch_give_the_retraining_of_one_process(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    expected = alone("retrained", tmp_path)
    for found in (rank["retrained"] for rank in ranks):
        assert_close(found["net"], expected["net"])
        assert found["losses"] == pytest.approx(expected["losses"], rel=TOLERANCE)


def test_a_batch_has_as_large_a_part_for_each_rank(ranks: list[dict[str, Any]]) -> None:
    message = "device.devices: found a batch of 9 rows, expected a multiple of 2 parts"
    assert all(rank["too_small"].startswith(message) for rank in ranks)


def test_dropout_is_drawn_by_each_rank_and_batches_by_all_alike(
    ranks: list[dict[str, Any]],
) -> None:
    first, second = (rank["draws"] for rank in ranks)
    assert first["common"] == second["common"]
    assert all(a != b for a, b in zip(first["own"][0], second["own"][0], strict=True))
    assert first["own"][1] != second["own"][1]


def test_a_signal_to_one_rank_stops_all_and_they_go_on_to_the_same_end(
    ranks: list[dict[str, Any]],
) -> None:
    for step, whole, resumed in (rank["stopped_search"] for rank in ranks):
        assert step == 5
        assert whole[1:] == resumed[1:]
        assert all(torch.equal(weight, resumed[0][name]) for name, weight in whole[0].items())
    first, second = (rank["stopped_search"][1] for rank in ranks)
    assert first[1] == second[1]


@pytest.mark.parametrize(
    "case",
    [
        "cells_searched",
        "chains_searched",
        "cells_retrained",
        "cells_retrained_as_one_batch",
        "chains_retrained",
    ],
)
def test_the_shipped_networks_are_those_of_one_process(
    ranks: list[dict[str, Any]], case: str, tmp_path: Path
) -> None:
    expected = alone(case, tmp_path)
    for found in (rank[case] for rank in ranks):
        assert_close(found["net"], expected["net"])
        assert found.get("optimizer") == expected.get("optimizer")
        losses = expected.get("losses", [])
        assert found.get("losses", []) == pytest.approx(losses, rel=TOLERANCE)


def test_synchronised_batch_norms_are_plain_ones_again(ranks: list[dict[str, Any]]) -> None:
    for found in (rank["cells_retrained_as_one_batch"] for rank in ranks):
        assert found["kinds"] == ["BatchNorm2d"]


def test_synchronised_batch_norms_go_together_with_compiling(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    one_process = alone("compiled_as_one_batch", tmp_path)["plain"]
    for found in (rank["compiled_as_one_batch"] for rank in ranks):
        assert found["graphs"] >= 3  # before, between and after both norms
        for each in (found["plain"], one_process):
            assert found["compiled"]["losses"] == pytest.approx(each["losses"], rel=TOLERANCE)
            assert_close(found["compiled"]["net"], each["net"])


def test_a_synchronised_batch_norm_is_that_of_the_whole_batch(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    expected = alone("normalised", tmp_path)
    assert len(expected) == 5
    for name, whole in expected.items():
        tolerance = 2e-2 if name == "16 bits" else 1e-5
        for key, value in whole.items():
            found = [rank["normalised"][name][key] for rank in ranks]
            if key in ("out", "evaluated", "x.grad"):  # each has its half of the batch
                joined = torch.cat(found)
            else:
                assert torch.equal(*found)
                joined = found[0]
            torch.testing.assert_close(
                joined, value, rtol=tolerance, atol=tolerance * float(value.abs().max()), msg=key
            )


def test_parts_of_a_batch_and_ranks_go_together(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    expected = alone("chains_searched", tmp_path)  # of whole batches, on one process
    for found in (rank["chains_searched_in_parts"] for rank in ranks):
        assert_close(found["net"], expected["net"])
        assert found["optimizer"] == expected["optimizer"]


def test_ranks_have_one_scale_in_16_bit_precision(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    expected = alone("chains_searched_in_16_bits", tmp_path)
    for found in (rank["chains_searched_in_16_bits"] for rank in ranks):
        assert found["scaler"] == expected["scaler"]
        assert found["optimizer"] == expected["optimizer"]
        for name, weight in expected["net"].items():
            torch.testing.assert_close(found["net"][name], weight, rtol=1e-2, atol=1e-3)


def test_the_others_wait_until_the_first_has_acted(ranks: list[dict[str, Any]]) -> None:
    acted = ranks[0]["slow_first"][0]
    assert all(rank["slow_first"][1] >= acted for rank in ranks)


def test_what_the_first_sees_is_so_for_all(ranks: list[dict[str, Any]]) -> None:
    assert [rank["decided"] for rank in ranks] == ["of rank 0"] * 2
