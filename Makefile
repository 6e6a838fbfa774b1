# Every command makes the environment in .venv first.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
EXAMPLES := $(wildcard examples/*.py)

.PHONY: env demo demo-inpainting examples $(EXAMPLES) docs test test-long test-cuda lint package

env: $(VENV)/.installed

# uv takes a tenth of the time of pip, but does not know the mirrors of pip's configuration.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]' || \
		$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

# WITH has further words of the command, as in `make demo WITH="--set search.epochs=4"`.
demo: env
	$(BIN)/pdas run digits $(WITH) --out runs/demo-$$(date +%Y%m%d-%H%M%S)

demo-inpainting: env
	$(BIN)/pdas run inpaint-photos $(WITH) --out runs/demo-inpainting-$$(date +%Y%m%d-%H%M%S)

examples: $(EXAMPLES)

$(EXAMPLES): env
	$(BIN)/python $@

# The site, in site/; what is wrong with a link or a page is an error.
docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# One thread for each process: there is one process for each core already, and more that they start.
# Those for GPUs run on the CPU, so that they are known to work.
test: env
	PDAS_TEST_CUDA_ON=cpu OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile

test-long: env
	PDAS_TEST_CUDA_ON=cpu $(BIN)/python -m pytest -q -m long

# On a GPU; without one a line says so.
test-cuda: env
	$(BIN)/python -m pytest -q -rs -m cuda tests/cuda

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/house.py

# The wheel and the sdist, and the wheel at work in an environment that has nothing else.
package: env
	$(BIN)/uv tool run --quiet cffconvert --validate
	$(BIN)/python -m tools.package
