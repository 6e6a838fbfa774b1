"""Which GPU each of several processes computes on, and how those of one GPU share it.

Two processes on one GPU take turns, unless NVIDIA's Multi-Process Service (MPS) runs their kernels
side by side. It is a daemon, which is started here and stopped at the end.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from pdas.support.errors import reason

_log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
CONTROL = "nvidia-cuda-mps-control"
PIPES, LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
_PATIENCE = 60.0  # seconds for the daemon to answer, and for a GPU to compute its first number

_QUESTION = "get_default_active_thread_percentage"  # any daemon answers it by a number

# A shell of its own keeps the daemon. It reads until this process closes the pipe or ends, in
# whatever way; so no daemon is left, also where this process is killed. A daemon may end at once,
# as where it cannot open its socket, so it is asked something before it counts as started.
_KEEPER = f"""
answers() {{
    echo {_QUESTION} | timeout 10 {CONTROL} 2>&1 | tee -a "${LOGS}/start" | grep -q '^[0-9]'
}}
state=failed
if timeout 30 {CONTROL} -d </dev/null >"${LOGS}/start" 2>&1; then
    for turn in 1 2 3 4 5 6 7 8 9 10; do
        if answers; then
            state=started
            break
        fi
        sleep 0.5
    done
fi
echo $state
read -r end
echo quit | {CONTROL} >/dev/null 2>&1
rm -rf "${PIPES}"
"""
_FIRST_NUMBER = "import torch; torch.zeros(1, device='cuda').item()"


def visible_gpus() -> list[str]:
    """The GPUs that CUDA shows to this process, named as in CUDA_VISIBLE_DEVICES; none without."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    named = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return named[:count] if named else [str(i) for i in range(count)]


@contextmanager
def gpu_environments(workers: int) -> Iterator[list[dict[str, str]]]:
    """Within it, each of several processes has a GPU, in turn, and those of one GPU share it.

    Args:
        workers: the number of processes.

    Yields:
        What the environment of each process says of GPUs, beside that of this one; nothing if there
        is no GPU.

    Example:
        with gpu_environments(3) as environments, Processes(3, environments=environments) as pool:
            pool.submit(train)
    """
    gpus = visible_gpus()
    with ExitStack() as stack:
        mps: dict[str, str] = {}
        if 0 < len(gpus) < workers:
            mps = stack.enter_context(_shared(gpus, workers))
        if mps:  # its server numbers the GPUs that it sees anew, from 0; UUIDs stay
            gpus = [str(i) if name.isdigit() else name for i, name in enumerate(gpus)]
        yield [{VISIBLE: gpus[i % len(gpus)], **mps} if gpus else {} for i in range(workers)]


@contextmanager
def _shared(gpus: list[str], workers: int) -> Iterator[dict[str, str]]:
    """Within it, MPS runs, if it can. Yields the environment of its clients, or nothing."""
    about = f"{workers} processes on {len(gpus)} GPU{'s' if len(gpus) > 1 else ''}"
    if shutil.which(CONTROL) is None:
        _log.warning("%s take turns: CUDA MPS is not here (%s)", about, CONTROL)
        yield {}
        return
    if _answers():
        _log.info("%s by the CUDA MPS that runs already", about)
        yield {}
        return
    directory = Path(mkdtemp(prefix="pdas-mps-"))  # short: the path of a socket has 107 bytes
    clients = {PIPES: str(directory), LOGS: str(directory)}
    with _daemon(directory, clients) as failure:
        failure = failure or _failure_of_first_number(clients | {VISIBLE: _first(gpus)})
        if failure is None:
            _log.info("%s by CUDA MPS", about)
            yield clients
            return
    _log.warning("%s take turns: CUDA MPS does not run (%s)", about, failure)
    yield {}


def _first(gpus: list[str]) -> str:
    return "0" if gpus[0].isdigit() else gpus[0]


def _answers() -> bool:
    """Whether a daemon runs already, in the directory that the environment names."""
    try:
        asked = subprocess.run(
            [CONTROL],
            input=f"{_QUESTION}\n",
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.stdout[:1].isdigit()


@contextmanager
def _daemon(directory: Path, clients: Mapping[str, str]) -> Iterator[str | None]:
    """Within it, a daemon runs. Yields why it does not, if so."""
    keeper = subprocess.Popen(
        ["sh", "-c", _KEEPER],
        env=os.environ | clients,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that Ctrl-C in a terminal does not reach it
    )
    assert keeper.stdin is not None and keeper.stdout is not None
    try:
        started = keeper.stdout.readline() == "started\n"
        yield None if started else _first_line(directory / "start")
    finally:
        keeper.stdin.close()
        try:
            keeper.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            keeper.kill()
            _log.warning("CUDA MPS does not stop; its files are in %s", directory)
        keeper.stdout.close()


def _failure_of_first_number(environment: Mapping[str, str]) -> str | None:
    """Why a process with an environment cannot compute on its GPU; None if it can."""
    try:
        subprocess.run(
            [sys.executable, "-c", _FIRST_NUMBER],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip().rpartition("\n")[2] or "no message"
    except (OSError, subprocess.TimeoutExpired) as error:
        return reason(error)
    return None


def _first_line(file: Path) -> str:
    lines = file.read_text(errors="replace").split("\n") if file.exists() else []
    return next((line.strip() for line in lines if line.strip()), "no message")
