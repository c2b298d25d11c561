# `make demo` and `make test` are all a fresh Debian or Ubuntu machine needs; both install what is missing first.

BIN := .venv/bin
CODE := schemas extract intake review_ui tests
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--only-binary :all: --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links

.PHONY: help setup setup-dev demo test lint bench soak soak-service schemas lock clean

help:
	@echo "make setup   install what is missing: Debian packages, .venv, models"
	@echo "make demo    read a miniature day of synthetic post and show it in the site"
	@echo "make test    run every check and every test, stop at the first that fails"
	@echo "make lint    the checks without the tests"
	@echo "make bench   measure pages a second beside OCRmyPDF on the same pages"
	@echo "make soak    read ten thousand synthetic pages: the pace and the memory must hold; then soak-service"
	@echo "make soak-service   twenty thousand pieces and a thousand kills, and eight keyers with 40,000 claims, on both"
	@echo "                    databases, the faults of brokers, disks and files at full size, and twenty thousand"
	@echo "                    requests made from the API's description; STORM=4000,100 BROKER_STORM=500,1 KEYING=8,500"
	@echo "                    REQUESTS=5000 for less"
	@echo "make schemas write the JSON Schemas of records and events, and the reference of records, anew"
	@echo "make lock    resolve the lock files anew; UPGRADE=--upgrade takes newer versions"
	@echo "make clean   remove .venv and everything built"

setup:
	@scripts/setup

setup-dev:
	@scripts/setup --dev

demo: setup
	$(BIN)/postroom demo

lint: setup-dev
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -n auto --dist worksteal

bench: setup-dev
	$(BIN)/python scripts/bench $(BENCH)

soak: setup-dev
	$(BIN)/python scripts/soak $(SOAK)
	$(MAKE) soak-service

# Pieces and kills of the storm, the same through Celery with how often the list of faults comes round, and examples of
# the state machine.
STORM := 20000,1000
BROKER_STORM := 2000,4
STEP_RUNS := 500
# Keyers at once, and claims of each.
KEYING := 8,5000
# Records that are published while consumers are killed, and kills of each.
CONSUMER := 10000,50
# Requests made from the description of the API.
REQUESTS := 20000

soak-service: setup-dev
	POSTROOM_STORM=$(STORM) $(BIN)/pytest -s tests/integration/database/test_kill_storm.py
	POSTROOM_BROKER_STORM=$(BROKER_STORM) $(BIN)/pytest -s tests/integration/distributed/test_distributed_storm.py
	POSTROOM_API_KILLS=200 $(BIN)/pytest tests/integration/api/test_serving.py
	POSTROOM_FULL_DISKS=10 $(BIN)/pytest tests/integration/test_full_disk.py
	POSTROOM_HOSTILE=full $(BIN)/pytest tests/integration/test_hostile_files.py
	POSTROOM_STEP_RUNS=$(STEP_RUNS) $(BIN)/pytest tests/integration/database/test_step_machine.py
	POSTROOM_CLAIMS=2000 $(BIN)/pytest tests/integration/database/test_claims_at_once.py
	POSTROOM_KEYING=$(KEYING) $(BIN)/pytest -s tests/integration/database/test_review_at_once.py
	POSTROOM_CONSUMER=$(CONSUMER) $(BIN)/pytest -s tests/integration/database/test_consumers.py
	POSTROOM_CONSUMER_KILLS=50 $(BIN)/pytest tests/integration/api/test_consumer.py
	POSTROOM_SCHEMATHESIS=$(REQUESTS) $(BIN)/pytest -s tests/integration/api/test_described.py

schemas: setup-dev
	$(BIN)/postroom forms schemas schemas/json --reference docs/records.md

lock: setup-dev
	$(COMPILE) $(UPGRADE) --extra setup --output-file requirements.lock
	$(COMPILE) $(UPGRADE) --extra setup --extra dev --extra bench --constraint requirements.lock \
		--output-file requirements-dev.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
