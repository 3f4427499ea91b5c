# The few things one does here. `make demo` and `make test` set up what they need.
PYTHON ?= python3
BIN := .venv/bin
# Most tests wait for something: four processes keep two cores busy.
WORKERS ?= 4
# What the tests start by the hundred is compiled once, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

SOAK_MINUTES ?= 20

.PHONY: demo test torture soak lint bench screens lock setup servers
.DEFAULT_GOAL := help

help:
	@echo "make demo     a simulated clinic, running, on the screen"
	@echo "make test     everything tested (some minutes)"
	@echo "make torture  power cuts, kills and failing disks by the thousand (minutes)"
	@echo "make soak     everything at once for SOAK_MINUTES=20; nothing may be lost or grow"
	@echo "make lint     style, types, the import law"
	@echo "make screens  pictures of the console, into docs/screens"
	@echo "make bench    figures of this machine (some minutes; nothing else should run)"

demo: setup
	@$(BIN)/devicelog demo

test: setup servers lint
	$(BIN)/pytest -m "not torture and not alone" --cov --cov-report= --cov-fail-under=0 \
	    --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
	$(BIN)/pytest -m alone --cov --cov-append --cov-report=term \
	    --numprocesses 2 --dist loadfile

# Each test prints its seed and its figures; what fails is shown with them.
torture: setup servers
	$(BIN)/pytest -m torture -rP --no-header --durations=0

# A table of memory, descriptors and threads; nothing else should run.
soak: setup servers
	DEVICELOG_SOAK_MINUTES=$(SOAK_MINUTES) \
	    $(BIN)/pytest tests/system/test_soak.py -m torture -k everything -rP --no-header

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@cd tests && ../$(BIN)/python -m bench

# The console's pages as pictures, by Debian's chromium.
screens: setup
	@cd tests && ../$(BIN)/python screens.py ../docs/screens \
	    setup now inbox bind today patient session devices labels system users

# --- Set-up ----------------------------------------------------------------------

setup: .venv/installed

.venv/installed: requirements/dev.txt requirements/setup.txt pyproject.toml
	@sh requirements/check.sh "$(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --require-hashes -r requirements/setup.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python \
	    --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python \
	    --no-deps --no-build-isolation -e .
	@touch $@

# What the tests use beside Python. Without root or apt the tests that need a missing
# tool are skipped with a reason; DEVICELOG_REQUIRE_SERVERS=1 makes that a failure.
servers:
	@sh requirements/servers.sh

lock: setup
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	    --no-header --quiet pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	    --no-header --quiet --extra dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	    --no-header --quiet requirements/setup.in -o requirements/setup.txt
