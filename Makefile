# Two commands do everything: `make run` and `make test`. The rest is what they are made of.
PYTHON ?= python3
OUT ?= .outside-in
BIN := .venv/bin

.PHONY: run fuzz test soak bench bench-models lint fix docs clean

run: .venv/run
	$(BIN)/outside-in run --out $(OUT) $(if $(RAW_DIR),--raw-dir $(RAW_DIR)) $(if $(VARS_FILE),--vars-file $(VARS_FILE))

test: .venv/dev lint
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# A night: runs killed at a hundred moments, a thousand sequences of arrivals, and a hundred changed companies.
soak: .venv/dev
	OUTSIDE_IN_SOAK=1 $(BIN)/python -m pytest python/tests/test_crash.py
	cd python && for family in web commerce service medians; do \
		../$(BIN)/python -m tests.arrivals $(or $(SEQUENCES),250) --family $$family || exit 1; done
	OUTSIDE_IN_SOAK=1 $(BIN)/python -m pytest python/tests/test_oracle_agreement.py

bench: .venv/dev
	cd python && ../$(BIN)/python -m benchmarks.builds --events $(or $(EVENTS),1000000 10000000) --out $(abspath $(OUT))/benchmarks

fuzz: .venv/dev
	cd python && ../$(BIN)/python -m tests.fuzz $(or $(INPUTS),2000)

bench-models: .venv/dev
	cd python && ../$(BIN)/python -m benchmarks.models --sizes $(or $(CUSTOMERS),100000 1000000) --out $(abspath $(OUT))/benchmarks

lint: .venv/dev
	$(BIN)/ruff check python
	$(BIN)/ruff format --check python
	$(BIN)/mypy
	$(BIN)/sqlfluff lint models tests analyses --processes 2

fix: .venv/dev
	$(BIN)/ruff check --fix python
	$(BIN)/ruff format python

docs: .venv/run
	DBT_PROFILES_DIR=. OUTSIDE_IN_DATABASE=$(OUT)/build/warehouse.duckdb $(BIN)/dbt docs generate --static --target-path $(OUT)/docs

clean:
	rm -rf .venv .outside-in target logs

.venv/run: requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.12 …')"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (about a minute) …"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/dev: requirements-dev.lock .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
