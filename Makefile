# Everything runs in .venv, which is made on first use. Needs Python >= 3.10, make and a package index.
PYTHON ?= python3
DATA   ?= ../shared/data/vrd
MODEL  ?= openclip:ViT-B-32/untrained
LIMIT  ?= 400
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: eval test lint check format clean

eval: .venv/installed  ## the main job: one checkpoint on VG-Relation
	@if [ -f "$(DATA)/visual_genome_relation.json" ]; then \
	  $(BIN)/benchbench eval --model $(MODEL) --task vg-relation --data-root "$(DATA)" --limit $(LIMIT); \
	else \
	  echo "No data at DATA=$(DATA): drawing a small fixture of coloured shapes instead (build/fixture)."; \
	  echo "Its numbers show that the path works, nothing about a model."; \
	  $(BIN)/python tests/fixture.py build/fixture && \
	  $(BIN)/benchbench eval --model $(MODEL) --task vg-relation --data-root build/fixture; \
	fi

test: .venv/tested  ## the test suite
	$(BIN)/python -m pytest

lint: .venv/linted  ## formatting, lint, strict types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

format: .venv/linted
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	@echo "Installing benchbench and its dependencies into .venv (torch is large: this takes a few minutes)"
	$(PIP) --editable .
	@touch $@

.venv/tested: .venv/installed
	$(PIP) --editable ".[test]"
	@touch $@

.venv/linted: .venv/tested
	$(PIP) --editable ".[dev]"
	@touch $@

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
