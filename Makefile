# Each target works on a fresh clone by itself. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := wire configuration messaging gateway_agent ingest rules desk alerts api console simulators hearthwatch
SOURCES := $(PACKAGES) bench checks tests hatch_build.py deploy/lock.py
LOCKS := deploy/requirements
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format faults security bench wheel lock assets docs clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(BIN)/.dev assets  ## make a .venv with everything and, as root on Debian, install the servers that the tests start
	@sh deploy/test-servers.sh

demo: $(BIN)/.server assets  ## run the whole system on this machine, with simulated houses
	@$(BIN)/hearthwatch demo $(DEMO)

test: setup  ## run all tests in two processes, against real brokers, databases, serial lines and a browser
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

check: $(BIN)/.dev assets  ## format, lint, types, imports, generated files in date, citations, names, translations, locks, rooms
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m hearthwatch.generated --check
	$(BIN)/python -m checks

format: $(BIN)/.dev  ## format the code and bring generated files up to date
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/python -m hearthwatch.generated

faults: setup  ## run the tests of faults of lines, boxes, brokers, stores and people, printed as a table
	$(BIN)/python -m bench.faults $(FAULTS)

security: setup  ## send any content to every endpoint, two minutes as each role
	HEARTHWATCH_FUZZ_SECONDS=120 $(BIN)/python -m pytest -s tests/api/test_openapi.py $(SECURITY)

bench: setup  ## measure speed and size, printed as a table
	$(BIN)/python -m bench $(BENCH)

wheel: $(BIN)/.build assets  ## build dist/hearthwatch-…-py3-none-any.whl, the console's scripts included
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

lock: $(BIN)/python  ## write deploy/requirements: all packages with versions and hashes; LOCK=--upgrade takes the newest
	$(PIP) install uv
	$(BIN)/python deploy/lock.py $(LOCK)

assets: console/static/vendor/.ready

clean:  ## remove everything that the other targets made
	rm -rf .venv console/static/vendor build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@sh deploy/make-venv.sh $(PYTHON) .venv

$(BIN)/.build: pyproject.toml $(LOCKS)/build.txt | $(BIN)/python
	@$(PIP) install --require-hashes --requirement $(LOCKS)/build.txt
	@touch $@

$(BIN)/.server: pyproject.toml $(LOCKS)/demo.txt | $(BIN)/python
	@echo "installing hearthwatch and its packages into .venv (a minute or two the first time)"
	@$(PIP) install --require-hashes --requirement $(LOCKS)/demo.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(BIN)/.build

$(BIN)/.dev: pyproject.toml $(LOCKS)/dev.txt | $(BIN)/python
	@echo "installing hearthwatch with everything for development into .venv (a minute or two the first time)"
	@$(PIP) install --require-hashes --requirement $(LOCKS)/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(BIN)/.server $(BIN)/.build

console/static/vendor/.ready: console/package.json console/package-lock.json console/assets.py | $(BIN)/python
	@command -v npm >/dev/null 2>&1 || $(PIP) install --require-hashes --requirement $(LOCKS)/npm.txt
	@$(BIN)/python console/assets.py
	@touch $@
