# The project's commands. Each brings the set-up up to date first; that is quick once it is done.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
FAST_TESTS := tests/core tests/engine tests/store tests/layers tests/gl tests/render/test_driver_thread.py tests/ui \
  tests/test_contracts.py tests/test_doctor.py tests/test_documents.py \
  --deselect tests/test_contracts.py::test_the_types_hold_on_other_systems
ARGS ?=

.PHONY: help setup setup-tools setup-test demo test test-fast bare fuzz lint bench bench-peers pictures lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## The virtual environment and the system libraries that the chart needs
	@scripts/setup.sh demo

setup-tools: ## The same, and the packages of the tests, lint and types
	@scripts/setup.sh tools

setup-test: ## The same, and the system packages of the whole suite
	@scripts/setup.sh test

demo: setup ## The synthetic market in a window; without a display 10 seconds of it as picture and video
	@scripts/demo.sh $(ARGS)

test: setup-test ## The whole suite (ARGS='-k profile -x' for a part of it)
	@$(BIN)/pytest $(ARGS)

fuzz: setup-test ## The property tests with new random seeds for five minutes (ARGS='--minutes 30', ARGS='--seed N')
	@$(BIN)/python scripts/fuzz.py $(ARGS)

test-fast: setup-tools ## The part of it that needs no window, no gateway and no minutes
	@$(BIN)/pytest $(FAST_TESTS) $(ARGS)

bare: ## make demo and make test-fast on new Debian 12 and 13, as root and as a user (needs root)
	@scripts/bare.sh $(ARGS)

lint: setup-tools ## Format, lint, types (also those of macOS and Windows), import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@for system in darwin win32; do $(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system; done
	@$(BIN)/lint-imports

bench: setup ## The benchmarks; their figures as JSON in out/
	@mkdir -p out
	@for name in engine frame latency; do $(BIN)/flow-gl bench $$name --json out/bench-$$name.json; done

bench-peers: ## The chart beside other libraries, which are installed for it
	@scripts/setup.sh peers
	@mkdir -p out
	@$(BIN)/python -m benchmarks.peers --json out/bench-peers.json

pictures: setup-tools ## The pictures of the README, made by the program from the synthetic market
	@$(BIN)/python scripts/pictures.py

lock: ## Lock all packages with their hashes, for every platform (needs uv; UV names it)
	@scripts/lock.sh $(ARGS)

clean: ## Remove what was built; the virtual environment stays
	rm -rf out build dist .numba_cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find flow_gl tests examples benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
