# The daily work. `make` alone explains itself.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
READY := $(VENV)/.ready

.PHONY: help env assets run test check fast bench lock clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY) ## create the environment from the lock file

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "mlecs-ray needs Python 3.11, found $$($(PYTHON) --version): set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	# torch first and by itself: a CPU build is found by version, and nothing later replaces it.
	$(PIP) install torch==2.13.0
	$(PIP) install --require-hashes --no-deps -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

assets: env ## fetch data and weights into the cache
	$(BIN)/mlecs fetch

run: assets ## run the main job and say where its report is
	$(BIN)/mlecs run stamps

check: env ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: check ## everything that CI runs: checks, fast tests, Ray, science
	$(BIN)/mlecs fetch stamps mobilenet smollm2 minilm wordnet watch mnist5k syllables
	@$(BIN)/mlecs fetch mnist10k emoji-google emoji-twitter openmoji \
	    || echo "no npm registry here: the tests of mnist10k and emoji are left out"
	# The page is tested in a real browser, where one is to be had.
	@command -v chromium > /dev/null || { apt-get update -qq && apt-get install -y -qq chromium > /dev/null; } || \
		echo "no chromium here and none to install: the tests of the page are left out"
	# Both language models side by side, before any test needs one: no test may take that long.
	$(BIN)/mlecs heal
	$(BIN)/pytest -m "not ray and not slow" && $(BIN)/pytest -m "ray and not slow" && $(BIN)/pytest -m slow

fast: env ## the tests that need no Ray and no assets
	$(BIN)/pytest -m "not ray and not slow"

bench: env ## ours, a plain loop and the peers in turns; writes docs/results/speed.md
	$(BIN)/mlecs bench

lock: env ## resolve the dependencies anew and write requirements.lock
	scripts/lock $(BIN)

clean: ## remove the environment and the caches of the tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
