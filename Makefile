# Needs python3 (3.11 or newer), make and a package index; no root. What is installed goes into .venv and .tools and nowhere else,
# but for `make test-hosts`, which installs Debian packages.

PYTHON ?= python3
BIN := .venv/bin
ENVIRONMENT := .venv/.installed
SERVERS := .tools/.installed
INTEROP := .tools/interop/.installed
FUZZER := .venv/.fuzzer-installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# Tests wait for servers more than they compute. Those of one file share what they have started. Files run in the order of their
# names: by default those of few tests run last, and the longest have few.
PARALLEL := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
unexport PYTHONPATH PYTHONHOME

.PHONY: help demo test test-long test-hosts bench fuzz check fmt wheel constraints clean

help: ## List these targets (the default)
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1 \2/p' Makefile | while read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done

demo: $(SERVERS) ## Run the demonstration against servers started on this machine
	$(BIN)/python -m examples.demo

test: $(SERVERS) $(INTEROP) ## Run every test but those marked long or hosts
	$(BIN)/pytest $(PARALLEL) -m "not long and not hosts"

test-long: $(SERVERS) $(INTEROP) ## Run the long tests too
	$(BIN)/pytest $(PARALLEL) -m "not hosts"

test-hosts: $(SERVERS) ## Run the tests marked hosts; installs their Debian packages (root, or sudo without a password)
	tests/servers/install-packages
	$(BIN)/pytest -m hosts

bench: $(SERVERS) ## Measure the codec, the backends and the work of ETL code beside their peers
	status=0; for what in codec backends etl; do $(BIN)/python -m bench.$$what || status=1; done; exit $$status

fuzz: $(FUZZER) ## Run the coverage-guided fuzzer; FUZZ="--runs 1000000 header" chooses how long and at what
	$(BIN)/python -m tests.fuzz $(FUZZ)

check: $(ENVIRONMENT) ## Check format, lint, types, import directions and documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/pytest --quiet tests/docs

fmt: $(ENVIRONMENT) ## Format the code and apply the safe fixes of the linter
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(ENVIRONMENT) ## Build the source distribution, and from it the wheel, into dist/
	$(BIN)/python -m build --no-isolation --outdir dist .

constraints: ## Resolve every dependency anew and write constraints.txt
	rm -rf .tools/resolved
	$(PYTHON) -m venv .tools/resolved
	.tools/resolved/bin/python $(PIP_INSTALL) --upgrade pip
	.tools/resolved/bin/python $(PIP_INSTALL) --editable '.[all]' --group check
	{ \
	  echo '# Every package that `make` installs into .venv, pinned. Written by `make constraints`, not by hand.'; \
	  .tools/resolved/bin/python -m pip freeze --all --exclude-editable --exclude setuptools; \
	} >.tools/constraints.txt
	mv .tools/constraints.txt constraints.txt
	rm -rf .tools/resolved

clean: ## Remove .venv, .tools, dist and every cache
	rm -rf .venv .tools .demo dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name .git -prune -o -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear .venv

# The environment's pip comes first: only pip 25.3 and newer knows dependency groups and build constraints.
$(ENVIRONMENT): pyproject.toml constraints.txt | .venv/bin/python
	@echo 'Installing the project and its tools into .venv (some minutes the first time)'
	$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt pip
	$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --build-constraint constraints.txt --editable '.[all]' --group check
	@touch $@

$(SERVERS): $(ENVIRONMENT) tests/servers/install.py tests/servers/package-lock.json
	$(BIN)/python -m tests.servers.install
	@mkdir -p $(@D)
	@touch $@

$(INTEROP): $(ENVIRONMENT) tests/interop/install.py tests/interop/package-lock.json
	$(BIN)/python -m tests.interop.install
	@touch $@

$(FUZZER): $(ENVIRONMENT)
	$(BIN)/python $(PIP_INSTALL) --only-binary atheris atheris==3.0.0
	@touch $@
