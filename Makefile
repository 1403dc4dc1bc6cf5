# `make demo` and `make test` do all the set-up they need; both may be run again at any time.

PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin
DATA ?= data
DEMO_DB ?= sqlite:///demo.db
# The tests start some hundred programs: where none may keep what it compiled, each compiles all of our modules anew.
unexport PYTHONDONTWRITEBYTECODE
# A test that fails while others keep the machine busy is run once more, by itself. What fails twice fails; both are printed.
AGAIN := --last-failed --last-failed-no-failures=none --numprocesses=0 --maxfail=5

.PHONY: help demo test check format dashboard clean

help:
	@echo "make demo       train, test and measure the quickstart sweep on Fashion-MNIST, and show its fronts"
	@echo "make test       run the tests (with a real Postgres, Ray and browser)"
	@echo "make check      formatting, lint, types and import contracts"
	@echo "make dashboard  look at the demo's results in the browser"
	@echo "make clean      remove the environment, the demo's results and caches; keep the images"

demo: $(ENV)/installed
	$(BIN)/python -m workers.data fetch fashion-mnist --to $(DATA)
	$(BIN)/orchestrator --db $(DEMO_DB) launch examples/quickstart.yaml
	@$(BIN)/orchestrator --db $(DEMO_DB) results quickstart
	@$(BIN)/orchestrator --db $(DEMO_DB) front quickstart --mode train
	@$(BIN)/orchestrator --db $(DEMO_DB) front quickstart --mode inference
	@$(BIN)/orchestrator --db $(DEMO_DB) speedup --sweep quickstart --mode train \
		--baseline train_resolution=native --candidate train_resolution=half
	@$(BIN)/orchestrator --db $(DEMO_DB) speedup --sweep quickstart --mode inference \
		--baseline train_resolution=native --candidate train_resolution=half
	@$(BIN)/orchestrator --db $(DEMO_DB) speedup --sweep quickstart --mode train --scenario native \
		--baseline group_size=1 --candidate group_size=16
	@echo
	@echo "To look at it in the browser: make dashboard"

test: $(ENV)/installed-tests
	$(BIN)/python -m tests.oldest --prepare &
	$(BIN)/python -m workers.data fetch fashion-mnist --to $(DATA)
	$(BIN)/python -m tests.browser
	$(MAKE) check
	$(BIN)/python -m pytest -m "not alone" --numprocesses 3 --dist loadfile --no-loadscope-reorder || \
		$(BIN)/python -m pytest $(AGAIN)
	$(BIN)/python -m tests.oldest || $(BIN)/python -m tests.oldest $(AGAIN)
	$(BIN)/python -m pytest -m alone tests/workers || $(BIN)/python -m pytest $(AGAIN)

check: $(ENV)/installed-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(ENV)/installed-tests
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dashboard: $(ENV)/installed
	$(BIN)/orchestrator --db $(DEMO_DB) dashboard

clean:
	rm -rf $(ENV) .venv-oldest demo.db demo.db-journal orchestrator-runs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(ENV)/bin/python:
	$(PYTHON) -m venv $(ENV)

$(ENV)/installed: $(ENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(ENV)/installed-tests: $(ENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@ $(ENV)/installed
