# Nephele's commands. `make help` lists them; each sets up what it needs.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
PORT ?= 5000
export ARCHIVE ?=
PYTEST_ARGS ?= -n 2 --dist loadgroup

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: repro
repro: $(READY) ## run the pipeline: data, training, evaluation, outputs/report/report.html
	python -m pipeline check
	dvc repro

# JOBS: trainings at a time. Two with a thread each do half as much again as one with two. What was
# done before an interruption is not done again.
JOBS ?= 2

.PHONY: evidence
evidence: $(READY) ## the networks' variants over several seeds: docs/evidence/tables.md (JOBS=2)
	python -m pipeline check
	dvc repro evidence/dvc.yaml:regrid
	export OMP_NUM_THREADS=$$(( ($$(getconf _NPROCESSORS_ONLN) + $(JOBS) - 1) / $(JOBS) )); \
	for made in teacher 'student|control' 'score|causes'; do \
	  dvc stage list --name-only evidence/dvc.yaml | grep -E ":($$made)" | \
	    xargs -P $(JOBS) -n 1 dvc --wait-for-lock repro --single-item; \
	done; \
	dvc repro evidence/dvc.yaml

# STAGES=regrid: no further than that.
STAGES ?=

.PHONY: repro-real
repro-real: $(READY) ## the same on real frames: ARCHIVE=folder, laid out as docs/data.md says
	@[ -n "$$ARCHIVE" ] || { echo "repro-real needs an archive; say ARCHIVE=folder" >&2; exit 1; }
	@[ -d "$$ARCHIVE" ] || \
	  { echo "ARCHIVE: no folder $$ARCHIVE; expected one as docs/data.md says" >&2; exit 1; }
	python -m pipeline check experiments/real.yaml
	settings=$$(python -m pipeline settings experiments/real.yaml \
	  "acquire.digital_typhoon.archive=$$(realpath "$$ARCHIVE")") && \
	  eval "dvc exp run $$settings $(STAGES)"

.PHONY: test
test: $(READY) ## all tests
	OMP_NUM_THREADS=1 python -m pytest $(PYTEST_ARGS) --ignore tests/containers --ignore tests/pages

# BASE_IMAGE: in place of the official slim Python; NETWORK: that of the builds.
export BASE_IMAGE ?=
export NETWORK ?=
REGISTRY ?=

.PHONY: images
images: $(READY) ## the stages' container images (REGISTRY=, PUSH=yes)
	python -m pipeline.building --registry '$(REGISTRY)' --base '$(BASE_IMAGE)' \
	  --network '$(NETWORK)' $(if $(PUSH),--push)

# Where no daemon runs, containers/offline.sh starts one and does without an image registry.
.PHONY: test-containers
test-containers: $(READY) ## the pipeline in containers against dvc repro; needs docker, or root
	OMP_NUM_THREADS=1 NEPHELE_TEST_CONTAINERS=yes \
	  $(if $(shell docker info > /dev/null 2>&1 && echo yes),,containers/offline.sh) \
	  python -m pytest tests/containers --durations 6

# PICTURES=docs/pictures makes those of docs/tracking.md again.
export PICTURES ?=

.PHONY: test-pages
test-pages: $(READY) ## MLflow's pages in a headless browser; needs chromium, or root
	tests/pages/chromium.sh
	OMP_NUM_THREADS=2 python -m pytest tests/pages --durations 3

.PHONY: check
check: $(READY) ## style and types
	ruff check .
	ruff format --check .
	mypy

.PHONY: ui
ui: $(READY) ## MLflow's pages, where executions stand side by side (PORT=5000)
	@echo "http://127.0.0.1:$(PORT)/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=scores"
	mlflow server --host 127.0.0.1 --port $(PORT) \
	  --backend-store-uri sqlite:///mlflow.db --artifacts-destination mlartifacts

.PHONY: setup
setup: $(READY) ## the environment in .venv, made again when pyproject.toml or constraints.txt change

# Which build of torch comes is the choice of pip's own configuration.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11; say make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	python -m pip install --quiet --no-compile --disable-pip-version-check \
	  -c constraints.txt -e '.[dev]'
# Byte code on all cores, where pip would use one; some libraries have files for newer Pythons only.
	@python -m compileall -q -j 0 $(VENV)/lib > /dev/null 2>&1 || true
	touch $@
