"""`python -m pdas.cli`, the command of `torchrun` and of each rank."""

from __future__ import annotations

from pdas.cli import main

if __name__ == "__main__":
    main()
