# The project's commands. Each brings the set-up up to date first; that is quick once it is done.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
ARGS ?=

.PHONY: help setup setup-test demo test fuzz lint bench bench-peers pictures lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## The virtual environment and the system libraries that the chart needs
	@scripts/setup.sh demo

setup-test: ## The same, and what the tests need besides
	@scripts/setup.sh test

demo: setup ## The synthetic market in a window; without a display 10 seconds of it as picture and video
	@scripts/demo.sh $(ARGS)

test: setup-test ## The whole suite (ARGS='-k profile -x' for a part of it)
	@$(BIN)/pytest $(ARGS)

fuzz: setup-test ## The property tests with new random seeds for five minutes (ARGS='--minutes 30', ARGS='--seed N')
	@$(BIN)/python scripts/fuzz.py $(ARGS)

lint: setup ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## The benchmarks; their figures as JSON in out/
	@mkdir -p out
	@for name in engine frame latency; do $(BIN)/flow-gl bench $$name --json out/bench-$$name.json; done

bench-peers: ## The chart beside other libraries, which are installed for it
	@scripts/setup.sh peers
	@mkdir -p out
	@$(BIN)/flow-gl bench peers --json out/bench-peers.json

pictures: setup ## The pictures of the README, made by the program from the synthetic market
	@$(BIN)/python scripts/pictures.py

lock: ## Lock all packages with their hashes, for every platform (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra record --extra dev \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra peers --constraint requirements.lock \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements-peers.lock

clean: ## Remove what was built; the virtual environment stays
	rm -rf out build dist .numba_cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find flow_gl tests examples benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
