# Everything that one does here: run, test, lint, bench, generate. `make` says so.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
READY := $(VENV)/.ready

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): pyproject.toml requirements.txt scripts/venv
	@PYTHON=$(PYTHON) scripts/venv $(VENV)
	@touch $@

run: $(READY) ## the main job: serve on loopback, send the examples through, print what became of them (ONCE=1: then stop)
	@$(BIN)/python scripts/demo.py $(if $(ONCE),--once)

test: $(READY) ## all tests, with a real API server, Helm and TLS
	@$(BIN)/pytest $(ARGS)

lint: $(READY) ## style, types, import order, YAML
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint -s policies examples charts/vmconfig/values.yaml charts/vmconfig/Chart.yaml tests/chart/cases

bench: $(READY) ## speed beside a calibration of the same run (ARGS=--quick: shorter)
	@$(BIN)/python -m bench $(ARGS)

generate: $(READY) ## write what is made of the declarations: the chart's CRDs and policies, the reference of classes
	@$(BIN)/python charts/generate.py
	@$(BIN)/python docs/generate.py

clean: ## remove what was built here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache run

.PHONY: help run test lint bench generate clean
