# Needs nothing but Python 3.11+, make and a package index.
PYTHON ?= python3
VENV ?= .venv
# Test processes: each may load TensorFlow, which takes 1.5 GB.
WORKERS ?= 2
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check gpu clean

demo: $(VENV)/.core           ## draw a folder of stickers with planted faults, scan it, print the report's path
	@$(BIN)/auditor demo

test: check                   ## lint, types and tests
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

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
	$(PIP) --editable '.[tensorflow,serve,dev]'
	@touch $@ $(VENV)/.core

# onnxruntime and onnxruntime-gpu overwrite each other's files: both go, then the one that is wanted comes.
gpu: $(VENV)/.core            ## replace onnxruntime by its CUDA build
	$(BIN)/python -m pip uninstall --quiet --yes onnxruntime onnxruntime-gpu
	$(PIP) 'onnxruntime-gpu[cuda,cudnn]'

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
