# `make` lists the targets. Each sets up the virtual environment in .venv by itself; that takes minutes once.

BUDGET ?=
DEVICE ?=
CHAPTERS ?=
MINUTES ?= 0
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SITE := _build/html/index.html
OPTIONS = $(if $(BUDGET),--budget "$(BUDGET)") $(if $(DEVICE),--device "$(DEVICE)") $(if $(CHAPTERS),--chapters "$(CHAPTERS)")
PYTEST = $(BIN)/python -m pytest -q -n auto --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help book site pdf preview explore test check style types coverage bench night paper publish clean

help:
	@echo "Read and play"
	@echo "  make book      run every chapter and render the book into _build/html"
	@echo "  make site      render the published chapters into _build/html, computing nothing"
	@echo "  make pdf       print the rendered book into _build/invariance-book.pdf; needs Chromium"
	@echo "  make preview   serve the rendered book on this machine (PORT=$(PORT)); renders it where there is none"
	@echo "  make explore   open the playground, with the live explorers, in JupyterLab"
	@echo "Change"
	@echo "  make check     what to run before every commit: style, types and the quick tests, under two minutes"
	@echo "  make test      everything: style, types and all tests"
	@echo "  make style     lint, format and layers alone"
	@echo "  make types     the types alone"
	@echo "  make coverage  which lines the tests run, as a table and in _build/coverage"
	@echo "  make bench     measure how fast images are made, models train and explorers move; needs Chromium"
	@echo "Measure and publish"
	@echo "  make night     run every study at the size night and add the results to the record; again, it goes on (MINUTES=60)"
	@echo "  make paper     the same at the paper's size, for a GPU"
	@echo "  make publish   run every chapter and store its outputs in book/*.ipynb"
	@echo "  make clean     remove what was built; .venv and cached results stay"
	@echo
	@echo "For book and publish:  BUDGET=smoke|quick|night|paper  DEVICE=auto|cpu|cuda  CHAPTERS=01,03"
	@echo "How to add a transformation, network, study, chapter ...: CONTRIBUTING.md. Every command: invariance --help"

# --- read and play ---

book: $(STAMP)
	@$(BIN)/invariance book $(OPTIONS)

$(SITE): | $(STAMP)
	@$(BIN)/invariance book $(OPTIONS)

site: $(STAMP)
	@$(BIN)/invariance site

pdf: $(SITE)
	@$(BIN)/invariance pdf

preview: $(SITE)
	@$(BIN)/invariance preview --port "$(PORT)"

explore: $(STAMP)
	@$(BIN)/invariance explore

# --- change ---

test: style types
	@$(PYTEST) --durations=10

check: style types
	@$(PYTEST) -m "not slow"

style: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(STAMP)
	@$(BIN)/mypy

coverage: $(STAMP)
	@$(PYTEST) --cov --cov-report=term --cov-report=html

bench: $(STAMP)
	@$(BIN)/python tests/benchmarks/run.py

# --- measure and publish ---

night: $(STAMP)
	@$(BIN)/invariance record night --minutes "$(MINUTES)" $(if $(DEVICE),--device "$(DEVICE)")

paper: $(STAMP)
	@$(BIN)/invariance record paper --minutes "$(MINUTES)" $(if $(DEVICE),--device "$(DEVICE)")

publish: $(STAMP)
	@$(BIN)/invariance publish $(OPTIONS)

clean:
	rm -rf _build

# The stamp is written last, so an interrupted installation is taken up again.
$(STAMP): requirements.txt pyproject.toml
	@rm -f $@
	@fits='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; found=; \
	for python in python3.12 python3.11 python3.13 python3; do \
	  $$python -c "$$fits" 2>/dev/null || continue; found=$$python; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null && break; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: the book needs Python 3.11 to 3.13, and none is on the PATH." >&2; exit 1; fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "error: $$found lacks its venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  echo "Setting up $(VENV) with $$found; this takes a few minutes, once."; \
	  $$found -m venv --clear $(VENV); fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@
