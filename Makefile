# make demo: crawl -> corpus -> GPT -> report, in about four minutes after installation.
# make test: ruff, mypy, every test but those marked `long`. Each sets up .venv on a fresh machine (Python 3.11+); a second
# run installs nothing.
# make test-long: every test, however long; `make test-long SELECT=long` those alone that `make test` leaves out.
# make fuzz: damaged bytes to what reads bytes from outside, for SECONDS (60) in all; `make fuzz SECONDS=600 TARGET=body`.
# make mutants: single faults in kernels, dedup, decontaminate, quality, runtime and model, and whether a test notices;
# `make mutants SECONDS=3600 SEED=1 ROOM=dedup`, NAMED=1 those of tests/named_faults.py, AGAIN=1 the survivors once more.
# Hours for all of it: `.ci/weekly` draws as many as an hour takes.
# make audit: known weaknesses of what is installed (pip-audit; asks PyPI). `.ci/weekly` runs it, then fuzz and mutants.
# make faults: the enumerated faults alone; `make faults SEED=7` replays the run of that seed.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed-$(shell $(PYTHON) -c "import hashlib,pathlib;print(hashlib.sha256(pathlib.Path('pyproject.toml').read_bytes()).hexdigest()[:12])")
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --durations 15

.PHONY: demo test test-long faults fuzz mutants audit lint setup clean
setup: $(INSTALLED)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'Millrace needs Python 3.11 or newer; set PYTHON=/path/to/python3.11')"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	rm -f .venv/installed-* && touch $@

demo: setup
	$(BIN)/millrace run conf/demo.yaml --record

lint: setup
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

test: lint
	$(PYTEST) -m "not long"

test-long: setup
	$(PYTEST) $(if $(SELECT),-m "$(SELECT)")

faults: setup
	$(if $(SEED),MILLRACE_FAULT_SEED=$(SEED)) $(PYTEST) tests/faults

SECONDS ?= 60
TARGET ?= all
fuzz: setup
	PYTHONPATH=. $(BIN)/python tests/sources/fuzz.py --seconds $(SECONDS) --target $(TARGET)

mutants: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[mutants]'
	PYTHONPATH=. $(BIN)/python tests/mutants.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(if $(ROOM),--room $(ROOM)) $(if $(NAMED),--named) $(if $(AGAIN),--again)

audit: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[audit]'
	$(BIN)/pip-audit --skip-editable --progress-spinner off

clean:
	rm -rf .venv store build *.egg-info
