# Two commands do everything: `make run` and `make test`. Both make .venv first, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SECONDS := 600

.DEFAULT_GOAL := help
.PHONY: help venv run test lint unit bench fuzz lock fmt clean

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# The stamp is written last, so an install that was cut short goes on where it was.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo >&2 "profilelog needs Python 3.11 or newer, but '$(PYTHON)' is missing or older."; \
		echo >&2 "Install one and name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation -e .
	@touch $@

venv: $(STAMP)  ## Make .venv from requirements.lock

run: $(STAMP)  ## Start the embedded broker and the service
	@$(BIN)/profilelog up

test: lint unit  ## Linters, types, layers and every test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

unit: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
	PROFILELOG_TEST_NODES=3 $(BIN)/python -m pytest tests/contract --numprocesses 2 --dist loadfile

fuzz: $(STAMP)  ## Feed made-up input to whatever parses, SECONDS=600 each
	FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest tests/fuzz

bench: $(STAMP)  ## Measure, with the PostgreSQL twin beside it
	$(BIN)/python -m benchmarks

fmt: $(STAMP)  ## Format and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## Resolve pyproject.toml again into requirements.lock (needs uv)
	@command -v uv >/dev/null || { echo >&2 "make lock needs uv: pip install uv"; exit 1; }
	uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --all-extras \
		--generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --output-file requirements.lock

clean:  ## Remove what make made
	rm -rf $(VENV)
