# Everything runs in .venv, which is made on first use. Needs Python >= 3.10, make and a package index.
PYTHON ?= python3
MODEL  ?= structclip
# Number of items to evaluate, by whole images; empty evaluates all.
LIMIT  ?=
# A folder with the official files; by default images are drawn and nothing is fetched.
DATA   ?=
# Another index, to take torch from: a build for CPUs alone, or for another CUDA. By default the
# pair that lock/torch.txt names by digest.
TORCH_INDEX ?=
# Processes of the tests and of mypy: one a core, four at most (one of tests takes about 2 GB).
JOBS   ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n : 4)))
export MYPY_NUM_WORKERS ?= $(JOBS)
BIN    := .venv/bin
# A process has one thread, so that they do not share cores.
PYTEST := -m pytest --numprocesses $(JOBS) --dist worksteal
PIP    := python -m pip --disable-pip-version-check install --quiet
UV     := .venv-uv/bin/uv

.PHONY: eval test lint check format docs dist lock test-latest test-oldest family leaderboards clean

eval: .venv/installed  ## the main job: one checkpoint on VG-Relation
	$(BIN)/benchbench eval --model $(MODEL) --task vg-relation$(if $(DATA), --data-root "$(DATA)")$(if $(LIMIT), --limit $(LIMIT))

test: .venv/tested  ## the test suite
	OMP_NUM_THREADS=1 $(BIN)/python $(PYTEST)

lint: .venv/tested  ## formatting, lint, strict types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

format: .venv/tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml lock/torch.in lock/torch.txt lock/run.txt
	@echo "Installing benchbench and its dependencies into .venv (torch is large: this takes a few minutes)"
	$(if $(TORCH_INDEX),$(BIN)/$(PIP) --index-url "$(TORCH_INDEX)" -r lock/torch.in)
	$(BIN)/$(PIP) --require-hashes $(if $(TORCH_INDEX),,-r lock/torch.txt) -r lock/run.txt
	$(BIN)/$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/tested: .venv/installed lock/dev.txt
	$(BIN)/$(PIP) --require-hashes -r lock/dev.txt
	@touch $@

docs: .venv/documented  ## the documentation site, strictly, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "site/index.html"

dist: .venv/documented  ## wheel and sdist into dist/, checked; the wheel is tried in a clean environment
	rm -rf dist
	$(BIN)/python -m build --no-isolation >/dev/null  # errors and warnings remain
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv --clear .venv-dist
	$(if $(TORCH_INDEX),.venv-dist/bin/$(PIP) --index-url "$(TORCH_INDEX)" -r lock/torch.in)
	.venv-dist/bin/$(PIP) --require-hashes $(if $(TORCH_INDEX),,-r lock/torch.txt) -r lock/run.txt
	.venv-dist/bin/$(PIP) --no-deps dist/*.whl
	cd .venv-dist && bin/benchbench doctor
	cd .venv-dist && bin/benchbench eval --model structclip --task vg-relation --limit 300 --out run.parquet

.venv/documented: .venv/tested lock/docs.txt
	$(BIN)/$(PIP) --require-hashes -r lock/docs.txt
	@touch $@

$(UV):
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/$(PIP) uv==0.13.9

lock: .venv/tested $(UV)  ## the newest of everything but torch (lock/torch.in), by digest, into lock/
	$(BIN)/python tools/lock.py $(UV)

test-latest:  ## the suite on the newest of everything that pyproject.toml allows, in .venv-latest
	$(PYTHON) -m venv --clear .venv-latest
	.venv-latest/bin/$(PIP) --editable ".[test]"
	.venv-latest/bin/benchbench doctor
	OMP_NUM_THREADS=1 .venv-latest/bin/python $(PYTEST)

test-oldest: $(UV)  ## the suite on the oldest of everything that pyproject.toml allows, in .venv-oldest
	$(PYTHON) -m venv --clear .venv-oldest
	$(UV) pip compile --quiet --resolution lowest-direct --python .venv-oldest/bin/python --extra test pyproject.toml --output-file .venv-oldest/oldest.txt
	.venv-oldest/bin/$(PIP) -r .venv-oldest/oldest.txt
	.venv-oldest/bin/$(PIP) --no-deps --no-build-isolation --editable .
	.venv-oldest/bin/benchbench doctor
	OMP_NUM_THREADS=1 .venv-oldest/bin/python $(PYTEST)

family: .venv/installed  ## train the bundled variants anew: weights, cards, docs/variants.md
	$(BIN)/python -m benchmarks.family $(FAMILY)

# Models of the published pages; the blind ones that learn, only where there is something to learn.
FAMILIES := clip negclip structclip msgclip scenarioclip relclip blind:chance blind:length
EXTRA    := vg-relation-detection.predicate vg-relation-detection.sgcls
BOARDS   := runs/boards
EVAL     := $(BIN)/benchbench eval --edition scenes --out $(BOARDS)

leaderboards: .venv/installed  ## evaluate the bundled models on every task, write leaderboards/ and the board of docs/family.md
	rm -rf $(BOARDS)
	$(EVAL) $(addprefix --model ,$(FAMILIES)) $(addprefix --task ,all $(EXTRA))
	$(EVAL) --model blind:ngram $(addprefix --task ,coco-order coco-retrieval flickr30k-order flickr30k-retrieval)
	$(EVAL) --model blind:frequency $(addprefix --task ,vg-relation-detection vg-relation-detection.predicate)
	$(BIN)/benchbench publish $(BOARDS) --into docs/family.md

clean:
	rm -rf build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache
