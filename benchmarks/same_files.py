"""What is written by a run, name by name, and what of it differs from another run."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

Values = dict[str, str]  # by name
IGNORED = {"seconds", "environment", "versions"}
IGNORED |= {"latency", "latency_p95", "batch_latency", "batch_latency_p95"}
# What the files say of a network in another form, or say now, or of a search.
ONE_SIDED = {"channels", "chain", "eta", "image_shape", "image_size", "network"}
ONE_SIDED |= {"decided", "learned", "stopped", "theta_max"}
SKIPPED = {"check.json"}  # files of what was planned
SHOWN = 3  # differences of a file


def leaves(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of JSON by their paths, in full precision."""
    if isinstance(value, (dict, list)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, f"{name}/{key}" if name else str(key))
    else:
        yield name, repr(value)


def cells(path: Path) -> Values:
    """The cells of a table by column and row."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {f"{name}/{i}": cell for i, row in enumerate(rows, 1) for name, cell in row.items()}


def arrays(found: Mapping[str, np.ndarray]) -> Values:
    """Type, shape and hash of each array; of theta without padding, which it once had."""
    if "theta" in found and (theta := found["theta"]).ndim == 3:
        there = np.arange(theta.shape[2]) < found["sizes"][:, np.newaxis]
        found = {**found, "theta": theta[:, there]}
    hashes = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in found.items()}
    return {name: f"{a.dtype}{list(a.shape)} {hashes[name][:16]}" for name, a in found.items()}


def lines(path: Path) -> Values:
    """The lines of a text without what took how many seconds."""
    text = re.sub(r"\b[\d.]+ s\b", "", path.read_text())
    return {f"line {number}": line for number, line in enumerate(text.splitlines(), 1)}


READERS: Mapping[str, Callable[[Path], Values]] = {
    ".json": lambda path: dict(leaves(json.loads(path.read_text()))),
    ".csv": cells,
    ".npz": lambda path: arrays(dict(np.load(path))),
    ".safetensors": lambda path: arrays(load_file(path)),
    ".txt": lines,
}


def results(folder: Path, renamed: Mapping[str, str]) -> dict[str, Values]:
    """What a run left, by file and name, all but what may differ; some names are replaced."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in READERS):
        if path.name in SKIPPED:
            continue
        values: Values = {}
        for name, value in READERS[path.suffix](path).items():
            parts = name.split("/")
            if IGNORED.isdisjoint(parts):
                values["/".join(renamed.get(part, part) for part in parts)] = value
        found[str(path.relative_to(folder))] = values
    return found


def differing(ours: Values, theirs: Values) -> list[str]:
    """The names whose values differ, but for those that one side may have alone."""
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    both = ours.keys() & theirs.keys()
    return [name for name in names if name in both or ONE_SIDED.isdisjoint(name.split("/"))]


def compare(title: str, one: dict[str, Values], other: dict[str, Values]) -> bool:
    """Print a line for each file; whether all are the same."""
    same = True
    for file in sorted({*one, *other}):
        ours, theirs = one.get(file, {}), other.get(file, {})
        names = differing(ours, theirs)
        same &= not names
        told = [f"{n}: {ours.get(n, 'none')} -> {theirs.get(n, 'none')}" for n in names[:SHOWN]]
        count = f"{len(names)} of {len({**ours, **theirs})} differ, "
        print(f"{title}: {file}: {count + '; '.join(told) if names else 'same'}", flush=True)
    return same
