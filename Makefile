# Two commands for a newcomer: `make label`, `make test`. On Windows: the plain pip commands in README.md.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
REAL ?= ../shared/real_dev/report.jsonl
UD ?= ../shared/ud

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: setup label test test-slow lint model report-picture bench-preprocessing bench-prevalence datasheet clean

setup: .venv/.dev

.venv/.core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -e .
	touch $@

.venv/.dev: .venv/.core
	$(INSTALL) -e '.[dev]'
	touch $@

label: .venv/.core  ## label the example batch with the shipped model
	mkdir -p build
	$(BIN)/innovasjon label examples/projects.csv -o build/labelled.csv --force

test: setup lint  ## the suite, a few minutes; without chromium and chromium-driver less the browser tests
	$(BIN)/python -m pytest -m "not slow"
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || echo "SKIPPED: the browser tests need chromium and chromium-driver"

test-slow: setup  ## what takes longer: the wheel in an empty environment, the shipped model retrained
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

model: setup  ## train the shipped model again; the figures on real text only where that folder is at hand
	$(BIN)/innovasjon train labelled_data/train.jsonl -o models/default --name default --force --jobs $(JOBS) \
		--score test=labelled_data/test.jsonl $(if $(wildcard $(REAL)),--score real=$(REAL))

report-picture: .venv/.core  ## examples/report.png, the report on the example projects as Chromium shows it
	mkdir -p build
	$(BIN)/innovasjon label examples/projects.csv -o build/projects.jsonl --force
	$(BIN)/innovasjon report build/projects.jsonl -o build/report.html --by år --force
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1180,1800 \
		--screenshot=build/report.png build/report.html
	$(BIN)/python -c "from PIL import Image; Image.open('build/report.png').quantize(96).save('examples/report.png', optimize=True)"

bench-preprocessing: setup  ## sentence, normal-form and language figures on Universal Dependencies
	$(BIN)/python benchmarks/preprocessing.py $(UD)

bench-prevalence: setup  ## counted and corrected shares against known ones, and how often the intervals hold
	$(BIN)/python benchmarks/prevalence.py --real $(REAL)

datasheet: setup  ## the learning curve and the figures in labelled_data/README.md
	$(BIN)/python benchmarks/learning_curve.py --real $(REAL)
	$(BIN)/python benchmarks/datasheet.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
