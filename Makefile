# Two commands: make serve, make test. Both work from a fresh clone with Python ≥ 3.11 and make.

PYTHON ?= python3
BIN := .venv/bin
export PYTHON

.PHONY: help serve test check static unit integration e2e bench format words clean

help:
	@echo "make serve    start the application on http://127.0.0.1:8000"
	@echo "make test     everything: lint, format, types, imports, unit, integration, browser"
	@echo "make check    the part of it that takes less than a minute"
	@echo "make bench    measure, and print a table"
	@echo "make format   put the source into its one form"
	@echo "make words    collect the translations"

.venv/.runtime: requirements.txt tools/environment
	@tools/environment requirements.txt $@

.venv/.development: requirements-dev.txt .venv/.runtime
	@tools/environment requirements-dev.txt $@

.venv/.bench: requirements-bench.txt .venv/.development
	@tools/environment requirements-bench.txt $@

serve: .venv/.runtime
	@$(BIN)/python -m app.serve

static: .venv/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/.development
	$(BIN)/pytest -q -n 2 --dist worksteal tests/unit

integration: .venv/.development
	$(BIN)/pytest -q -n 2 --dist worksteal tests/integration tests/faults

e2e: .venv/.development
	@tools/system-packages
	$(BIN)/pytest -q tests/e2e

check: static unit

test: .venv/.development
	@tools/system-packages
	@$(MAKE) --no-print-directory static
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory integration
	@$(MAKE) --no-print-directory e2e
	@echo "All tests passed."

bench: .venv/.bench
	@$(BIN)/python -m bench

format: .venv/.development
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

words: .venv/.runtime
	@$(BIN)/python -m app.translations.build

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
