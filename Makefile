# Plain targets over documented commands: `ivr demo`, `pytest`. Needs Python 3.11 or newer, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Packages are installed uncompiled and compiled when first used: also where the shell asks Python to keep nothing.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test setup check lock clean

demo: $(VENV)/.installed
	$(BIN)/ivr demo

test: $(VENV)/.installed-test
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

setup: $(VENV)/.installed

# Style and types, as CI runs them.
check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# requirements.lock and requirements-test.lock from pyproject.toml (needs the uv package).
lock:
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra test --universal --generate-hashes --no-header --no-annotate --quiet -c requirements.lock -o requirements-test.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV): about a minute, only this once."
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.installed-test: requirements-test.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

clean:
	rm -rf $(VENV) .ivr build *.egg-info
