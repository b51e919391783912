# Needs nothing but Python 3.11+, make and a package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check clean

demo: $(VENV)/.core           ## draw a folder of stickers with planted faults, scan it, print the report's path
	@$(BIN)/auditor demo

test: check                   ## lint, types and tests
	@$(BIN)/python -m pytest

check: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# A scan needs the core alone; TensorFlow is for training, export and their tests.
$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[tensorflow,dev]'
	@touch $@ $(VENV)/.core

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
