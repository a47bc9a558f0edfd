# The project's commands; `make` alone lists them. Needs make and Python 3.11 or newer, nothing else.

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
ARGS ?=
# How many processes test (pytest-xdist); with ARGS one. Those of the end-to-end tests mostly wait.
SPREAD := $(if $(ARGS),,-n 2)
SPREAD_E2E := $(if $(ARGS),,-n 4)
# The layers that import no Airflow, whose line coverage is held.
LAYERS := $(addprefix tests/,config loading golden expressions plan http steps cli)
COVERED := */errors.py,*/problem.py,*/config/*,*/expressions/*,*/loading/*,*/plan/*,*/http/*,*/steps/*/config.py,*/steps/*/plan.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: install
install: $(STAMP) ## Make .venv with the project and its tools; does nothing when they are up to date

# The newest Python of these that works is taken; PYTHON=/path/to/python overrules it.
$(STAMP): pyproject.toml constraints.txt airflow_provider_gimme/__init__.py
	@set -eu; \
	can() { "$$1" -c 'import sys, ensurepip, ssl, sqlite3, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	if ! can $(PY); then \
	    found=; \
	    for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	        if can "$$candidate"; then found=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "No Python 3.11 or newer was found that can make a virtual environment." >&2; \
	        echo "Install one (on Debian and Ubuntu: apt-get install python3 python3-venv)," >&2; \
	        echo "or name it: make install PYTHON=/path/to/python3.12" >&2; \
	        exit 1; \
	    fi; \
	    echo "Making $(VENV) with $$("$$found" --version)"; \
	    "$$found" -m venv --clear $(VENV); \
	fi
	@echo "Installing into $(VENV); the first time takes a few minutes"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@# as pip does, but on all cores; some packages bring templates of Python that are none
	@$(PY) -m compileall -qq -j 0 $$($(PY) -c 'import site; print(*site.getsitepackages())') airflow_provider_gimme demo || true
	@touch $@

.PHONY: demo
demo: install ## Run the example workflow on a real Airflow, with its UI; ARGS=--exit ends by itself
	@exec $(PY) -m demo $(ARGS)

.PHONY: test
test: install $(if $(ARGS),,coverage) ## Run all tests but the end-to-end ones; ARGS, if any, go to pytest and are all it runs
	$(PY) -m pytest $(SPREAD) $(or $(ARGS),-q tests --ignore=tests/e2e $(addprefix --ignore=,$(LAYERS)))

.PHONY: e2e
e2e: install ## Run the end-to-end tests, each on a running Airflow; ARGS go to pytest
	$(PY) -m pytest $(SPREAD_E2E) $(or $(ARGS),tests/e2e)

.PHONY: coverage
coverage: install ## Run the tests of the Airflow-free layers and hold their line coverage to 95 %
	$(PY) -m pytest -q --cov --cov-report= $(SPREAD) $(LAYERS)
	$(PY) -m coverage report --fail-under=95 --include='$(COVERED)'

.PHONY: lint
lint: install ## Check the style and the formatting
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

.PHONY: format
format: install ## Format the code and fix what can be fixed
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

.PHONY: types
types: install ## Check the types
	$(PY) -m mypy

.PHONY: validate
validate: install ## Check the workflow files
	$(VENV)/bin/gimme validate workflow_configs

.PHONY: bench
bench: install ## Measure what the engine costs; ARGS=overhead measures one figure and writes nothing
	$(PY) -m benchmarks $(ARGS)

.PHONY: wheel
wheel: install ## Build the wheel into dist/
	$(PY) -m hatchling build -t wheel

.PHONY: docs
docs: install ## Write the pages that are made from the models: the reference and the JSON Schema
	$(VENV)/bin/gimme reference > docs/reference.md
	$(VENV)/bin/gimme schema > docs/workflow.schema.json

.PHONY: constraints
constraints: ## Write constraints.txt anew from the newest releases
	rm -rf $(VENV)-new
	$$(for p in $(PYTHON) python3.13 python3.12 python3.11 python3; do $$p --version >/dev/null 2>&1 && echo $$p && break; done) -m venv $(VENV)-new
	$(VENV)-new/bin/python -m pip install --quiet -e '.[dev]'
	$(VENV)-new/bin/python -m pip freeze --exclude-editable | LC_ALL=C sort -f > constraints.txt
	rm -rf $(VENV)-new

.PHONY: clean
clean: ## Remove what was built, and the caches; the virtual environment stays
	rm -rf build dist .demo .coverage htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find airflow_provider_gimme tests demo plugins dags -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
