# Everything that one does here: run, test, lint, bench, generate. `make` says so.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
READY := $(VENV)/.ready
# Tests side by side: as many as there are cores, but each has an API server of its own, which wants some 2 GiB.
WORKERS ?= $(shell n=$$(nproc); echo $$(( n > 4 ? 4 : n )))

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): pyproject.toml requirements-dev.txt scripts/venv
	@PYTHON=$(PYTHON) scripts/venv $(VENV)
	@touch $@

run: $(READY) ## the main job: serve on loopback, send the examples through, print what became of them (ONCE=1: then stop)
	@$(BIN)/python scripts/demo.py $(if $(ONCE),--once)

prepare: $(READY) ## install and build what the tests need of the machine: libvirt, QEMU, the test cluster (`make test` does it)
	@$(BIN)/python -m tests.prepare

test: prepare ## all tests, with a real API server, libvirt, Helm and TLS (ARGS: what to pass to pytest)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-fast: $(READY) ## the tests that start no server, no libvirt and no cluster: about a minute
	@$(BIN)/pytest -q -m fast -n $(WORKERS) --dist loadfile $(ARGS)

coverage: $(READY) ## how much of the code the fast lane runs, by file
	@$(BIN)/pytest -q -m fast --cov=webhook --cov=certs --cov-report=term:skip-covered $(ARGS)

format: $(READY) ## write the code as ruff formats it, with its imports in order
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

lint: $(READY) ## style, types, import order, YAML
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy scripts/demo.py charts/generate.py docs/generate.py
	$(BIN)/lint-imports
	$(BIN)/yamllint -s .github .pre-commit-config.yaml policies examples charts/vmconfig/values.yaml charts/vmconfig/Chart.yaml tests/chart/cases

bench: $(READY) ## speed beside a calibration of the same run (ARGS=--quick: shorter)
	@$(BIN)/python -m bench $(ARGS)

generate: $(READY) ## write what is made of the declarations: the chart's CRDs and policies, the reference of classes
	@$(BIN)/python charts/generate.py
	@$(BIN)/python docs/generate.py

clean: ## remove what was built here
	rm -rf $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache run

.PHONY: help run prepare test test-fast coverage format lint bench generate clean
