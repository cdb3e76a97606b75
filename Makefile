# Everything runs in .venv, which is made on first use. Needs Python >= 3.10, make and a package index.
PYTHON ?= python3
MODEL  ?= structclip
# Items to evaluate, by whole pictures; empty evaluates all.
LIMIT  ?=
# A folder with the official files; by default pictures are drawn, and nothing is fetched.
DATA   ?=
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: eval test lint check format family leaderboards clean

eval: .venv/installed  ## the main job: one checkpoint on VG-Relation
	$(BIN)/benchbench eval --model $(MODEL) --task vg-relation$(if $(DATA), --data-root "$(DATA)")$(if $(LIMIT), --limit $(LIMIT))

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

family: .venv/installed  ## train the bundled variants anew: weights, cards, docs/variants.md
	$(BIN)/python benchmarks/family.py $(FAMILY)

# Models of the published pages; the blind ones that learn, only where there is something to learn.
FAMILIES := clip negclip structclip msgclip scenarioclip relclip blind:chance blind:length
EXTRA    := vg-relation-detection.predicate vg-relation-detection.sgcls
BOARDS   := runs/boards
EVAL     := $(BIN)/benchbench eval --edition scenes --out $(BOARDS)

leaderboards: .venv/installed  ## evaluate the bundled models on every task, write leaderboards/ and README's board
	rm -rf $(BOARDS)
	$(EVAL) $(addprefix --model ,$(FAMILIES)) $(addprefix --task ,all $(EXTRA))
	$(EVAL) --model blind:ngram $(addprefix --task ,coco-order coco-retrieval flickr30k-order flickr30k-retrieval)
	$(EVAL) --model blind:frequency $(addprefix --task ,vg-relation-detection vg-relation-detection.predicate)
	$(BIN)/benchbench publish $(BOARDS) --into README.md

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
