# Every target does its own set-up; nothing is installed outside .venv and the user's cache.
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 /usr/bin/python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
# Tests wait for boards and servers much of the time: three for each two processors.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(3 * (os.cpu_count() or 2) // 2)' 2>/dev/null || echo auto)

.PHONY: audit-tools bench bench-audit bench-check bench-flash bench-fleet bench-lab bench-provision bench-size bench-start board browser certs check clean demo demo-fleet dev dist docs embedded fix fuzz lists matrix-table pipx soak stores sweep test trust-stores vectors wolfssl

dev: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer with venv. Install it: apt-get install python3 python3-venv" >&2; exit 2; }
	@echo "setting up $(VENV): about a minute the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: dev
	$(BIN)/rootlet demo

# A thing, a policy and two jobs at a service that answers as AWS IoT does; a board does the jobs.
demo-fleet: dev
	PYTHONPATH=tests $(BIN)/python examples/fleet/demo.py

test: dev
	$(BIN)/rootlet board prepare
	$(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

certs: dev
	$(BIN)/python certs/extract.py

# After a module of the device package was added, renamed or removed.
lists: dev
	$(BIN)/python device/lists.py

vectors: dev
	$(BIN)/python tests/assets/regenerate.py

# Every power cut, twice: over 200,000 fault points, about ten minutes on two idle cores.
sweep: dev
	$(BIN)/rootlet board prepare
	$(BIN)/python tests/sweep/run.py

# Offers, resets, links and clocks in any order; EXAMPLES=N for another length.
EXAMPLES ?= 2500
soak: dev
	ROOTLET_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/unit/test_rotation_machine.py

fuzz: dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/python tests/fuzz/run.py --inputs 1000000

# Needs a libwolfssl (apt-get install libwolfssl-dev), which a blank machine lacks.
wolfssl: dev
	$(BIN)/rootlet board prepare
	$(BIN)/python -m pytest tests/wolfssl_models.py

# Needs programs that a blank machine lacks; changes no store of this one.
trust-stores: dev
	@for p in keytool certutil update-ca-certificates; do command -v $$p >/dev/null || { \
	echo "error: no $$p. apt-get install default-jre-headless libnss3-tools ca-certificates" >&2; exit 2; }; done
	$(BIN)/python -m pytest tests/trust_stores.py

# Needs Chromium, which a blank machine lacks. PICTURES=FOLDER keeps what was seen.
browser: dev
	@command -v chromium >/dev/null || { echo "error: no chromium. apt-get install chromium" >&2; exit 2; }
	ROOTLET_PICTURES="$(PICTURES)" $(BIN)/python -m pytest -n 0 tests/browser.py

# pytest-embedded warns in every test, and here a warning is an error: it stays out of dev.
embedded: dev
	$(BIN)/rootlet board prepare
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(VENV)/embedded 'pytest-embedded>=2.9,<3'
	PYTHONPATH=$(VENV)/embedded $(BIN)/python -m pytest -o filterwarnings= tests/embedded_dut.py examples/hil

# Needs keytool, a C compiler and libbearssl-dev, which a blank machine lacks.
audit-tools: dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(VENV)/tools 'esptool>=5,<6' certifi sarif-pydantic
	PYTHONPATH=$(VENV)/tools $(BIN)/python -m pytest tests/audit_tools.py

# The key stores that tests read, made by Java's keytool.
stores: dev
	$(BIN)/python tests/assets/make_stores.py

matrix-table: dev
	$(BIN)/rootlet board prepare
	$(BIN)/python bench/matrix_table.py

# Bytes, memory, instructions, deployment and growth beside the peers, about five minutes; check
# holds them to bench/limits.toml. Needs programs that a blank machine lacks.
bench bench-check: dev
	@for p in gcc valgrind; do command -v $$p >/dev/null || { \
	echo "error: no $$p. apt-get install gcc valgrind" >&2; exit 2; }; done
	$(BIN)/rootlet board prepare
	$(BIN)/python bench/run.py $(if $(filter bench-check,$@),--check)

bench-lab: dev
	$(BIN)/python bench/lab_load.py

# Fleets of 100, 500 and 2,000 devices that rotate in waves: about four minutes on two idle cores.
bench-fleet: dev
	PYTHONPATH=bench $(BIN)/python -m fleet --write

bench-size: dev
	$(BIN)/python bench/size.py

bench-provision: dev
	$(BIN)/python bench/provision.py

bench-audit: dev
	$(BIN)/python bench/audit.py

bench-flash: dev
	$(BIN)/rootlet board prepare
	$(BIN)/python bench/flash.py

bench-start: dev
	$(BIN)/python bench/startup.py

board: dev
	@test -n "$(PORT)" || { echo "error: which port? make board PORT=/dev/ttyUSB0" >&2; exit 2; }
	$(BIN)/python -m pytest examples/hil --board-port "$(PORT)" $(if $(BIND),--lab-bind "$(BIND)")

# The documentation as a site, in site/; a warning fails it.
docs: dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict  # --quiet would hide warnings from --strict too
	@echo "site/index.html"

dist: dev
	$(BIN)/python -m build

# The wheel as a user has it: installed by pipx in an empty home, outside the checkout.
pipx: dist
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(VENV)/pipx 'pipx>=1.7,<2'
	@away=$$(mktemp -d) && trap 'rm -rf "$$away"' EXIT && export HOME="$$away" PIPX_HOME="$$away/pipx" PIPX_BIN_DIR="$$away/bin" \
	&& PYTHONPATH="$(CURDIR)/$(VENV)/pipx" $(CURDIR)/$(BIN)/python -m pipx install --quiet "$$(ls -t $(CURDIR)/dist/*.whl | head -1)" \
	&& cd "$$away" && unset XDG_CACHE_HOME XDG_DATA_HOME && bin/rootlet demo

clean:
	rm -rf $(VENV) dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
