"""The commands from Python, each a function of the same name.

`pdas.run` is `run`, and `pdas.load(run).predict` is `predict`.
"""

from pdas.stages.finished_runs import export

__all__ = ["export"]
