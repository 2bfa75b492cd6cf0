# The only commands to learn. Each sets up what it needs in .venv, once per change of
# pyproject.toml or constraints.txt.
#
#   PYTHON=...  the interpreter for .venv (Python 3.11 or newer)
#   ARGS=...    passed on: make test ARGS='tests/balancing -x'

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
PEERS := $(wildcard benchmarks/requirements.txt)
PYTHONS := $(or $(PYTHON),python3.11 python3 python3.12 python3.13 python3.14)
NEW_ENOUGH := import sys, venv; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all check bench reproduce docs

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## train a small example and write its report
	$(BIN)/plait demo $(ARGS)

test test-all: export OMP_NUM_THREADS := 1 # two test processes, not two times all cores
# The tests of a file run in one process, which makes once what they share.
test test-all: WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
test: $(VENV)/.installed ## run the tests that take a few seconds at most
	$(BIN)/pytest $(WORKERS) -m 'not slow' $(ARGS)

test-all: $(VENV)/.installed ## run every test
	$(BIN)/pytest $(WORKERS) --hypothesis-profile thorough $(ARGS)

check: $(VENV)/.installed ## lint, format, types and floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-bench ## measure speed and memory
	$(BIN)/python -m benchmarks $(ARGS)

reproduce: $(VENV)/.installed ## train a published table again: ARGS=toy; without, the list
	$(BIN)/plait reproduce $(ARGS)

docs: $(VENV)/.installed-docs ## build the documentation into build/docs
	$(BIN)/sphinx-build -W --keep-going -b html docs build/docs

$(BIN)/python:
	@for python in $(PYTHONS); do \
		if $$python -c '$(NEW_ENOUGH)' > /dev/null 2>&1; then \
			echo "$$python -m venv --clear $(VENV)"; \
			exec $$python -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "plait needs Python 3.11 or newer with its venv module; tried: $(PYTHONS)." >&2; \
	echo "Name another: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; \
	exit 1

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[app,dev]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed $(PEERS)
	$(if $(PEERS),$(INSTALL) -r $(PEERS))
	@touch $@

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[app,docs]'
	@touch $@
