# The project's commands. Each one first updates the set-up, which is quick when there is nothing to install.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
FAST_TESTS := tests/core tests/engine tests/store tests/layers tests/gl tests/ui \
  tests/test_contracts.py tests/test_doctor.py tests/test_documents.py -m "not window and not slow"
ARGS ?=
# Number of processes that run tests. More than two cores would suggest: many tests wait for an election or a gateway.
WORKERS ?= 4
PYTEST = $(BIN)/pytest -n $(WORKERS) --dist worksteal

.PHONY: help setup setup-tools setup-test demo test test-fast bare fuzz lint bench bench-peers pictures image bundle bundle-check lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install the virtual environment and the system libraries that the chart needs
	@scripts/setup.sh demo

setup-tools: ## As setup, plus the packages for tests, lint and types
	@scripts/setup.sh tools

setup-test: ## As setup-tools, plus the system packages for the whole test suite
	@scripts/setup.sh test

demo: setup ## Show the synthetic market in a window; without a display, render 10 seconds to a picture and a video
	@scripts/demo.sh $(ARGS)

test: setup-test ## Run the whole test suite (ARGS='-k profile -x' for a part of it)
	@$(PYTEST) $(ARGS)

fuzz: setup-test ## Run the property tests with new random seeds for five minutes (ARGS='--minutes 30', ARGS='--seed N')
	@$(BIN)/python scripts/fuzz.py $(ARGS)

# These wait for nothing: one process for each core.
test-fast: WORKERS = auto
test-fast: setup-tools ## Run the fast tests: those that need no window, no gateway and no types (make lint checks these)
	@$(PYTEST) $(FAST_TESTS) $(ARGS)

bare: ## Run make demo and make test-fast in fresh Debian 12 and 13 roots, as root and as a user (needs root)
	@scripts/bare.sh $(ARGS)

lint: setup-tools ## Check format, lint, types (also for macOS and Windows) and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@for system in darwin win32; do $(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system; done
	@$(BIN)/lint-imports

bench: setup ## Run the benchmarks; figures as JSON in out/
	@mkdir -p out
	@for name in engine frame latency; do $(BIN)/flow-gl bench $$name --json out/bench-$$name.json; done

bench-peers: ## Compare the chart with other plotting libraries (installs them)
	@scripts/setup.sh peers
	@mkdir -p out
	@$(BIN)/python -m benchmarks.peers --json out/bench-peers.json

pictures: setup-tools ## Render the README's pictures from the synthetic market
	@$(BIN)/python scripts/pictures.py

image: ## Build the server's container image with buildah, and try it with a read-only root (needs root; ARGS=--keep)
	@scripts/image.sh $(ARGS)

bundle: ## Build a folder and a .deb for Linux that need no Python; prints where they are (ARGS=--check also tries them)
	@scripts/bundle.sh $(ARGS)

bundle-check: ## Try what make bundle made in bare Debian 12 and 13 roots without Python (needs root; ARGS=trixie for one)
	@scripts/bundle_check.sh $(ARGS)

lock: ## Lock all packages with their hashes, for every platform (needs uv; UV=PATH if it is not on the PATH)
	@scripts/lock.sh $(ARGS)

clean: ## Remove build products and caches; keep the virtual environment
	rm -rf out build dist .numba_cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find flow_gl tests examples benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
