"""Build the compiled operators into the package, so that the next wheel has them.

    python -m tools.kernels [--clean]

A library is for one version of torch and one kind of system, and one is built for each of its
instruction sets. A wheel that has them serves only where these fit; elsewhere, the operators are
built at first use or torch's own are taken, as with the normal wheel, which is pure.
"""

from __future__ import annotations

import argparse
import shutil

from pdas.kernels.building import SHIPPED, build, file_name, instruction_sets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clean", action="store_true", help="remove them instead")
    shutil.rmtree(SHIPPED, ignore_errors=True)
    if parser.parse_args().clean:
        return
    SHIPPED.mkdir()
    for instructions in instruction_sets():
        path = SHIPPED / file_name(instructions)
        build(path, instructions)
        print(f"{path}: {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
