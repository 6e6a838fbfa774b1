"""A worker of a cluster is killed in a search: another one continues it from its checkpoint."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import pdas
from pdas.comparing.results import Comparison
from tests.conftest import TINY
from tests.docs.pages import ROOT, programs
from tests.noting import Noting
from tests.waiting import wait_for

CHANGES = (*TINY, "search.epochs=20", "retrain.epochs=1")
ROWS, SEED = ["pdas-paper", "random"], 3
FILES = ("architecture.json", "theta.npz", f"retrain-{SEED}/weights.safetensors")


@contextmanager
def on_dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


@contextmanager
def on_ray() -> Iterator[Executor]:
    ray = pytest.importorskip("ray")
    (block,) = (b for b, _ in programs((ROOT / "docs/sweeps.md").read_text()) if "ray" in b)
    names: dict[str, Any] = {}
    exec(block, names)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        yield names["Ray"]()
    finally:
        ray.shutdown()


def compared(out: Path, executor: Executor) -> Comparison:
    changes = dict(change.split("=", 1) for change in CHANGES)
    return pdas.compare("digits", ROWS, [SEED], out=out, executor=executor, changes=changes)


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="ends by signals")
@pytest.mark.parametrize("cluster", [on_dask, on_ray])
def test_a_comparison_ends_with_the_same_numbers(
    tmp_path: Path, cluster: Callable[[], Any]
) -> None:
    with ThreadPoolExecutor(1) as here:
        whole = compared(tmp_path / "whole", here)
    run, notes = tmp_path / "lost" / ROWS[0] / f"seed-{SEED}", tmp_path / "notes"
    notes.mkdir()

    def kill() -> None:
        """End the process that searches, once there is a checkpoint."""
        wait_for(lambda: [*(run / "checkpoint").glob("*.ckpt")])
        (process,) = (notes / ROWS[0]).read_text().split()
        os.kill(int(process), signal.SIGKILL)
        assert not (run / "architecture.json").exists()

    with cluster() as pool, ThreadPoolExecutor(1) as beside:
        killing = beside.submit(kill)
        lost = compared(tmp_path / "lost", Noting(pool, notes))
        killing.result()
    before, after = (notes / ROWS[0]).read_text().split()
    assert before != after
    assert lost.failed == whole.failed == {}
    values = [{row.name: row.values for row in each.rows} for each in (whole, lost)]
    assert values[0] == values[1]
    for file in FILES:
        alone = tmp_path / "whole" / ROWS[0] / f"seed-{SEED}" / file
        assert (run / file).read_bytes() == alone.read_bytes()
