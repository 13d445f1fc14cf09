# `make run` and `make test` need Python 3.11 or newer and make; everything else they install into .venv.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Tests of pushes by MQTT run a Mosquitto of their own; without the program they are skipped.
MOSQUITTO := PATH=$$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto

.PHONY: run test broker lint check bench clean

run: .venv/.run
	$(BIN)/meter382 run

test: .venv/.test broker
	$(BIN)/python -m pytest -n 2

broker:
	@$(MOSQUITTO) >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -q && apt-get install -q -y mosquitto; } || echo 'no mosquitto: pushes by MQTT are not tested'

lint: .venv/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: test lint

bench: .venv/.run
	cd benchmarks && for script in bench_*.py; do echo "== $$script"; ../$(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.run: pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) --editable .
	touch $@

.venv/.test: pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) --editable '.[test,interop,web]'
	touch $@ .venv/.run

.venv/.lint: pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) --editable '.[test,interop,web,lint]'
	touch $@ .venv/.test .venv/.run

# Debian keeps the part of venv that installs pip in a package of its own.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 ...'; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null || { rm -rf .venv; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	  then apt-get update -q && apt-get install -q -y python3-venv && $(PYTHON) -m venv .venv; \
	  else echo 'python3 -m venv failed; on Debian: apt-get install python3-venv'; exit 1; fi; }
