"""`python -m pdas.cli`, which starts the ranks and is what `torchrun` starts."""

from __future__ import annotations

from pdas.cli import main

if __name__ == "__main__":
    main()
