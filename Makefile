# Stillwatch. `make` prints this help; `make run` and `make test` each do their own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export UPSTREAM

.PHONY: help setup dev run test check format lock reference bench-score bench-gateway bench-detect bench-campaigns soak fuzz clean

help: ## Print this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The locked dependencies, with hashes. uv only installs faster; pip made the venv and installed uv, by hash too.
.venv/runtime.stamp: requirements/bootstrap.lock requirements/runtime.lock pyproject.toml
	@scripts/venv "$(PYTHON)" runtime
	@touch $@

.venv/dev.stamp: .venv/runtime.stamp requirements/dev.lock
	@scripts/venv "$(PYTHON)" dev
	@touch $@

.venv/fuzz.stamp: .venv/dev.stamp requirements/fuzz.lock
	@scripts/venv "$(PYTHON)" fuzz
	@touch $@

setup: .venv/runtime.stamp ## Prepare .venv with the command .venv/bin/stillwatch
	@echo "Ready: $(BIN)/stillwatch --help"

dev: .venv/dev.stamp ## Prepare .venv with everything that tests and checks need

run: .venv/runtime.stamp ## Start everything; UPSTREAM=https://... fronts that model API
	@exec $(BIN)/stillwatch run

test: .venv/dev.stamp ## Run the whole suite, in parallel
	@scripts/browser
	@exec scripts/test $(PYTEST_ARGS)

check: .venv/dev.stamp ## Format, lint, strict types, import contracts (under a minute)
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

format: .venv/dev.stamp ## Format and apply safe lint fixes
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: .venv/runtime.stamp ## Renew the locked dependencies
	@scripts/lock

reference: .venv/runtime.stamp ## Fit the reference that ships; DATA=folder with the ordinary sources
	@$(BIN)/python -m bench.detection.reference $(if $(DATA),--data "$(DATA)")

bench-score: .venv/dev.stamp ## Events per second per worker core, against the naive design
	@exec $(BIN)/python -m bench.score $(ARGS)

bench-gateway: .venv/dev.stamp ## CPU per request of the gateway, against nginx and FastAPI+httpx
	@exec $(BIN)/python -m bench.gateway $(ARGS)

bench-detect: .venv/dev.stamp ## Detection beside every baseline, by client, with plots; DATA=folder
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 exec $(BIN)/python -m bench.detection $(if $(DATA),--data "$(DATA)") $(ARGS)

bench-campaigns: .venv/dev.stamp ## Linking of campaigns on composed traffic, then its cost up to a million accounts; DATA=folder
	@$(BIN)/python -m bench.detection.linking $(if $(DATA),--data "$(DATA)")
	@exec $(BIN)/python -m bench.campaigns $(ARGS)

soak: .venv/dev.stamp ## 100,000 requests, a fifth of them left early: does anything grow, leak or go uncounted?
	@exec $(BIN)/python -m bench.soak $(ARGS)

fuzz: .venv/fuzz.stamp ## Parsers and relay with inputs guided by coverage; SECONDS=300 for each of the two
	@$(BIN)/python -m bench.fuzz $(or $(SECONDS),300)
	@exec $(BIN)/python -m bench.gateway.fuzz $(or $(SECONDS),300)

clean: ## Remove the venv and caches (never the data folder)
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
