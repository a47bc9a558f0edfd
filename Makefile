# The project's commands; `make` alone lists them. Needs make and Python 3.11 or newer, nothing else.

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
ARGS ?=
# The whole suite runs in two processes: one has the tests on the shared Airflow, which mostly wait. ARGS want but one.
SPREAD := $(if $(ARGS),,-n 2)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

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
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@$(PY) -m compileall -q airflow_provider_gimme demo # as pip does with a package that is not editable
	@touch $@

.PHONY: demo
demo: install ## Run the example workflow on a real Airflow, with its UI; ARGS=--exit ends by itself
	@exec $(PY) -m demo $(ARGS)

.PHONY: test
test: install ## Run the whole test suite, with a running Airflow; ARGS go to pytest
	$(PY) -m pytest $(SPREAD) $(ARGS)

.PHONY: test-unit
test-unit: install ## Run the tests that need no running Airflow
	$(PY) -m pytest -m 'not e2e' $(SPREAD) $(ARGS)

.PHONY: coverage
coverage: install ## Run the tests of the Airflow-free layers and hold their line coverage to 95 %
	$(PY) -m pytest -q --cov --cov-report= $(addprefix tests/,config loading golden expressions plan http steps cli) $(ARGS)
	$(PY) -m coverage report --fail-under=95 \
	    --include='*/errors.py,*/config/*,*/expressions/*,*/loading/*,*/plan/*,*/http/*,*/steps/*/config.py,*/steps/*/plan.py'

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
