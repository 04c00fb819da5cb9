# Passerelle for people. `make run` is all a newcomer needs; `make help` lists the rest.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
# One version of each package for all Pythons; no address in the lock files.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --no-emit-index-url pyproject.toml --group build
NEEDED := apt install git make python3-venv

.PHONY: help install dev run test lint bench lock clean

help:
	@echo 'make run          install, make a demo room on the first run, and serve on this machine only'
	@echo 'make run LAN=1    the same for phones on the local network'
	@echo 'make install      create .venv from the lock file; .venv/bin/passerelle is the command'
	@echo 'make test         format, lint, types, floors and all tests'
	@echo 'make bench        measure: legs, call rate, delay, memory'
	@echo 'make lint         the first part of test'
	@echo 'make lock         resolve the dependencies of pyproject.toml anew (UPGRADE=1: to the latest)'
	@echo 'make clean        remove what can be made again; var/ with the rooms of make run stays'

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@if [ -z '$(PYTHON)' ]; then \
		echo 'Python 3.11 or later is needed. On Debian 12, Ubuntu 24.04 or later: $(NEEDED)' >&2; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'Python cannot make virtual environments here. Run: $(NEEDED)' >&2; exit 1; }
	@echo 'Installing Passerelle into $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo 'Installing the tools of developers into $(VENV)'
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

run: install
	@$(BIN)/passerelle serve --demo $(if $(filter 1,$(LAN)),--lan)

lint: dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint Dockerfile; fi

test: lint
	@tools/install-peers baresip-core baresip-ffmpeg chromium coturn firefox-esr fonts-dejavu-core libatomic1 \
		postgresql pulseaudio sip-tester
	$(BIN)/pytest -n 2

bench: dev
	@tools/install-peers sip-tester janus
	$(BIN)/python -m tests.bench

lock: dev
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) --constraint requirements.lock --group dev --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
