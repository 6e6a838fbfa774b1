"""The record of what a run was made with."""

from __future__ import annotations

import shlex
import sys

import torch
import yaml

from pdas.support.environment import environment


def test_the_environment_says_what_a_run_was_made_with() -> None:
    found = environment()
    assert found["torchvision"] and found["lightning-fabric"] and found["processor_model"]
    assert found["command"] == shlex.join(sys.argv)
    assert found["threads"] == torch.get_num_threads()
    assert yaml.safe_load(yaml.safe_dump(found)) == found
