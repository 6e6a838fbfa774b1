"""The commands from Python, each a function of the same name.

`pdas.run` is the command `run`, `compared` is `compare --from`, and the command `predict` is
`pdas.load(run).predict`.
"""

from pdas.stages.comparing import compare, compared
from pdas.stages.finished_runs import evaluate, export, report
from pdas.stages.training import check, retrain, run, search, sweep

__all__ = [
    "check",
    "compare",
    "compared",
    "evaluate",
    "export",
    "report",
    "retrain",
    "run",
    "search",
    "sweep",
]
