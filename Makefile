# 政务专递. A new machine needs Python 3.11+, git and make; everything else comes from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export ZHUANDI_HOME ?= $(CURDIR)/.zhuandi
export PYTHONUTF8 := 1

.PHONY: demo up test lint check browser screenshots unit roles external conformance storm soak mutants crash-matrix bench load bench-labels lock clean

demo: $(VENV)/ready
	@$(BIN)/zhuandi demo

up: $(VENV)/ready
	@$(BIN)/zhuandi up --sandbox

# So many tests at once; each process has an embedded PostgreSQL of its own, and a file stays in one process. Files are
# begun in the order that conftest.py gives them.
TESTERS ?= 2
PYTEST := -q -n $(TESTERS) --dist loadfile --no-loadscope-reorder

test: lint browser unit external crash-matrix

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Chromium for the tests of the console: as root on Debian it is installed where it is missing; CHROMIUM: another one.
# With BROWSER_REQUIRED=1 (or CI) a test without it fails, else it is left out.
browser: $(VENV)/ready
	@$(BIN)/python tests/browser/install.py

# Every page of the console as a picture: both languages, at 1366x768 and on a phone.
screenshots: browser
	rm -rf screenshots
	SCREENSHOTS=$(CURDIR)/screenshots $(BIN)/python -m pytest -q tests/browser/test_every_page.py

unit: $(VENV)/ready
	$(BIN)/python -m pytest $(PYTEST)

# Who may do what at the counter: each role against each route.
roles: $(VENV)/ready
	@$(BIN)/python -m pytest -q -s tests/console/test_every_route.py -k matrix

# The tests that need a database once more on an external PostgreSQL, where one answers on this machine: a third of
# the files, which turns with the date; FULL=1: all of them.
external: $(VENV)/ready
	@$(BIN)/python tests/external.py $(PYTEST)

# Shipments over all carriers while the posts do everything wrong; SEEDS and SHIPMENTS may be given.
SEEDS ?= 1 2 3 4 5
SHIPMENTS ?= 500
storm: $(VENV)/ready
	$(BIN)/python -m tests.storm --seeds $(SEEDS) --shipments $(SHIPMENTS)

# A process dies at every named point, is started again, and the books are compared: all points on PostgreSQL, a third
# of them, which turns with the date, on RabbitMQ and on Redis where they are installed; FULL=1: all on every broker.
crash-matrix: $(VENV)/ready
	@$(BIN)/python -m tests.crash

# With a guard taken out (an index, a branch, a check) the tests must go red; ONLY=fencing: those with this in their name.
ONLY ?=
mutants: $(VENV)/ready
	@$(BIN)/python -m tests.mutants --only "$(ONLY)"

# Every adapter against its sandbox post, case by case: a table, and why a case does not apply.
conformance: $(VENV)/ready
	@$(BIN)/python -m tests.posts.conformance_table

# Users at work while processes, the database and the broker are killed at random; then calm, and the count.
MINUTES ?= 10
SEED ?= 1
BROKER ?= postgresql
soak: $(VENV)/ready
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED) --broker $(BROKER)

# Each measurement beside its peer and its limit (bench/README.md); ROWS: only these, as ROWS="road page".
ROUNDS ?= 5
SCALE ?= 1000000
MEMORY_MINUTES ?= 1
ROWS ?=
bench: $(VENV)/ready
	@ROUNDS=$(ROUNDS) SCALE=$(SCALE) MEMORY_MINUTES=$(MEMORY_MINUTES) $(BIN)/python -m bench $(ROWS)

# 64 connections of mixed traffic against `zhuandi up --sandbox`: no answer but success and deliberate refusals.
load: $(VENV)/ready
	@$(BIN)/python -m bench.load --minutes $(if $(filter command line environment,$(origin MINUTES)),$(MINUTES),5)

bench-labels: $(VENV)/ready
	$(BIN)/python -m bench.labels

$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# Needs uv (pip install uv): writes the lock anew from pyproject.toml, for every platform, with hashes.
lock:
	uv pip compile --quiet --universal --generate-hashes --no-header --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
