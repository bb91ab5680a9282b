# Hexbeat: make run, make test. Everything lives in .venv and ./var; nothing else is touched but Chromium for the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
JOBS ?= 3
USER_ID := $(shell id -u)
AS_ROOT := $(if $(filter 0,$(USER_ID)),--as-root)

.PHONY: help run install test test-fast test-deps lint format lock bench clean

help:            ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

run: $(STAMP)    ## install, fill an empty store with demonstration events, serve on this machine only
	@$(BIN)/hexbeat demo --if-empty
	@test -z "$(AS_ROOT)" || echo 'You are root, so the server runs as root. This is for a trial only: see docs/running.md.'
	@$(BIN)/hexbeat serve $(AS_ROOT)

install: $(STAMP) ## the environment alone

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 15) else "Hexbeat needs Python 3.11, 3.12, 3.13 or 3.14; this is %d.%d. Try: make PYTHON=python3.12" % v)'
	@$(PYTHON) -m venv $(VENV) || { echo 'This Python has no venv. On Debian and Ubuntu: apt-get install python3-venv'; rm -rf $(VENV); exit 1; }

$(STAMP): $(BIN)/python requirements.lock pyproject.toml
	@echo 'Installing (a few minutes the first time)...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps -r requirements-dev.lock
	@touch $@

test-deps: $(DEV_STAMP) ## what the tests need beyond Python packages: a Chromium
	@$(BIN)/python -m tests.support.chromium

lint: $(DEV_STAMP) ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: test-deps lint ## everything: lint, types, imports, pytest with a real browser and a real PostgreSQL
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --durations=25

# A Python that is named has an environment of its own for this, such as .venv-3.13: .venv stays as it is.
test-fast: VENV := $(if $(filter file,$(origin PYTHON)),.venv,.venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
test-fast:       ## the daily loop: pytest without browser, PostgreSQL and slow tests; PYTHON=python3.13 tries another Python
	@$(MAKE) --no-print-directory VENV=$(VENV) $(VENV)/.installed-dev
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile -m "not browser and not postgres and not slow"

format: $(DEV_STAMP) ## let ruff format the tree
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:            ## remake the locks (needs uv); hashes, no index addresses
	uv pip compile pyproject.toml --group run-build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group run-build --group dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements-dev.lock

bench: $(DEV_STAMP) ## all benchmarks, as tables
	$(BIN)/python -m bench

clean:           ## the environment and caches; the store in ./var stays
	rm -rf $(VENV) $(VENV)-3.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
