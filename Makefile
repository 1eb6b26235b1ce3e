# Every target first sets up .venv with all that the functions, the command line and the
# tests need. The only thing asked of the machine is Python 3.11 or later.
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
N ?= 10000

.DEFAULT_GOAL := help
.PHONY: help setup run up test bench chaos fuzz package docs screenshots requirements clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.venv/.ready: requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "lakefill needs Python 3.11 or later (with venv): \
	install it, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.ready ## the virtual environment, nothing else

run: setup ## the main job: a year of weeks, from request to lake, on the embedded stack
	@$(BIN)/lakefill run

up: setup ## the embedded stack in the foreground
	@$(BIN)/lakefill up

test: setup .venv-scan/.ready ## format, lint, types, unit, property and integration tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto

# Environments of tools that should not meet the code's own: .venv-bench, .venv-scan.
.venv-%/.ready: requirements-%.txt
	@$(PYTHON) -m venv --clear .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

bench: setup .venv-bench/.ready ## measure speed and memory, against named peers in the same run
	@$(BIN)/python -m bench

chaos: setup ## N transfers (10000) through every fault, all random from SEED: no wrong file
	@$(BIN)/python -m chaos --deliveries $(N) $(if $(SEED),--seed $(SEED))

fuzz: setup ## N requests (10000) made from the OpenAPI description: no 5xx, none undescribed
	LAKEFILL_FUZZ_EXAMPLES=$(N) $(BIN)/pytest -n auto tests/test_openapi_fuzz.py

package: setup ## the functions' archive, build/lakefill-HASH.zip, for terraform
	@$(BIN)/python -m deploy.package

docs: setup ## write the pages that are made from the code and its tests
	$(BIN)/python -m tests.support.reliability
	$(BIN)/python -m tests.support.deploy_page

screenshots: setup ## take the README's pictures of the coverage page (needs Chromium)
	$(BIN)/python -m tests.support.screenshots

requirements: setup ## compile the pinned, hashed requirement files from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" $(UPGRADE) \
	  -o requirements.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra cli --group dev -c requirements.txt \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make requirements" $(UPGRADE) -o requirements-dev.txt
	$(BIN)/uv pip compile -q --group bench -c requirements.txt \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make requirements" $(UPGRADE) -o requirements-bench.txt
	$(BIN)/uv pip compile -q --group scan \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make requirements" $(UPGRADE) -o requirements-scan.txt

clean: ## all that make and the embedded stack have left here
	rm -rf .venv .venv-bench .venv-scan .lakefill terraform/.terraform build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
