# Needs Python >= 3.11, make and git; everything else comes from the package registries.
PYTHON ?= python3
UV_VERSION := 0.13.9
TOOLS := .venv-tools
UV := $(TOOLS)/bin/uv
RUN := .venv/bin/
POLICIES := account observe import trust operator attribution events simulate

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint generate clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.synced: $(UV) pyproject.toml uv.lock
	$(UV) sync --frozen --quiet --python $(PYTHON)
	@touch $@

setup: .venv/.synced ## Install everything into .venv

demo: setup ## Show the whole chain at work (KEEP=1 leaves it up)
	@$(RUN)python -m sandbox.demo $(if $(KEEP),--keep)

test: setup ## Run the tests
	$(RUN)pytest -m "not slow"

test-all: setup ## Run the tests with the long matrices
	$(RUN)pytest

lint: setup ## Check style, types, layers, and that what is generated is fresh
	$(RUN)ruff check
	$(RUN)ruff format --check
	$(RUN)mypy
	$(RUN)lint-imports
	$(RUN)python -m zerotouch.api.crd --check crds
	$(foreach p,$(POLICIES),$(RUN)zerotouch policy $(p) | diff -u deploy/iam/$(p)-policy.json - &&) true
	$(RUN)python -m zerotouch.templates.generate --check deploy
	$(RUN)cfn-lint deploy/cloudformation/*.yaml

generate: setup ## Write what is generated (CRDs, policies, template, tables in docs)
	$(RUN)python -m tests.reconcile.drift.table
	$(RUN)python -m zerotouch.api.crd crds
	$(foreach p,$(POLICIES),$(RUN)zerotouch policy $(p) > deploy/iam/$(p)-policy.json;)
	$(RUN)python -m zerotouch.templates.generate deploy

clean: ## Remove what was installed and built here
	rm -rf .venv $(TOOLS) .sandbox
