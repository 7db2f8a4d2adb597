# Two commands for a newcomer: `make label`, `make test`. On Windows: the plain pip commands in README.md.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
SECONDS ?= 600
REAL ?= ../shared/real_dev/report.jsonl
UD ?= ../shared/ud

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: setup label test test-slow lint model bench-preprocessing bench-memory bench-passages bench-prevalence \
	bench-active-learning check-label-studio bench-accuracy bench-ablation bench-other-labels bench-calibration bench-scale fuzz bench-speed \
	report-picture datasheet picture clean

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

bench-memory: setup  ## peak memory over 1,000,000 documents against 20,000 (an hour or more)
	$(BIN)/python benchmarks/memory.py

bench-passages: setup  ## how well beskriver_prosjekt tells what describes a project
	$(BIN)/python benchmarks/passages.py labelled_data/test.jsonl $(REAL)

bench-scale: setup  ## machines and hours for 10^6, 10^8 and 10^9 documents
	$(BIN)/python benchmarks/scale.py

fuzz: setup  ## look for bytes that break readers, writers or preprocessing, for SECONDS; what is found lies in build/fuzz
	$(INSTALL) -e '.[fuzz]'
	mkdir -p build/fuzz/corpus
	$(BIN)/python tests/fuzz.py -max_total_time=$(SECONDS) -max_len=4096 -len_control=5 -timeout=30 -artifact_prefix=build/fuzz/ build/fuzz/corpus

report-picture: .venv/.core  ## examples/report.png, the report on the example projects as Chromium shows it
	mkdir -p build
	$(BIN)/innovasjon label examples/projects.csv -o build/projects.jsonl --force
	$(BIN)/innovasjon report build/projects.jsonl -o build/report.html --by år --force
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1180,1800 \
		--screenshot=build/report.png build/report.html
	$(BIN)/python -c "from PIL import Image; Image.open('build/report.png').quantize(96).save('examples/report.png', optimize=True)"

bench-preprocessing: setup  ## sentence, normal-form and language figures on Universal Dependencies
	$(BIN)/python benchmarks/preprocessing.py $(UD)

bench-active-learning: setup  ## how many labels our choice of texts saves against random and against others' choices
	nice $(BIN)/python benchmarks/active_learning.py

check-label-studio: setup  ## our configuration, tasks and labels through a real Label Studio (installs it, in a temporary folder) and back
	$(BIN)/python benchmarks/label_studio.py

bench-prevalence: setup  ## counted and corrected shares against known ones, and how often the intervals hold
	$(BIN)/python benchmarks/prevalence.py --real $(REAL)

bench-accuracy: setup  ## ours against what else one might train, same folds; an hour
	$(INSTALL) -e '.[bench]'
	$(BIN)/python benchmarks/accuracy.py --real $(REAL)

bench-ablation: setup  ## what each part of the model gives; an hour
	$(BIN)/python benchmarks/ablation.py --real $(REAL)

bench-other-labels: setup  ## our training on other labels than ours, against what else one might train
	$(INSTALL) -e '.[bench]'
	$(BIN)/python benchmarks/other_labels.py

bench-calibration: setup  ## how far the probabilities can be believed
	$(BIN)/python benchmarks/calibration.py --real $(REAL)

bench-speed: setup  ## documents a second and the first label, ours and others
	$(INSTALL) -e '.[bench]'
	$(BIN)/python benchmarks/speed.py

datasheet: setup  ## the learning curve and the figures in labelled_data/README.md
	$(BIN)/python benchmarks/learning_curve.py --real $(REAL)
	$(BIN)/python benchmarks/datasheet.py

picture: setup  ## examples/predict.svg, what `predict` shows on a terminal
	$(BIN)/python benchmarks/picture_of_predict.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
