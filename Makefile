# The house tools. Whatever a target needs, it installs into .venv first; the second time it does not.

ARGS ?=
CONFIG ?= vestibule.toml

.DEFAULT_GOAL := help
.PHONY: help demo run test check bench docs

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/installed ## See it happen: a provider, six people, a simulated platform (ARGS="..." is passed on)
	@.venv/bin/vestibule demo $(ARGS)

run: .venv/installed ## Serve with CONFIG=vestibule.toml
	@.venv/bin/vestibule serve --config $(CONFIG) $(ARGS)

test: .venv/installed-dev ## Run the tests (ARGS="-k name" is passed on)
	@.venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

check: .venv/installed-dev ## Format, lint, types, floors, house rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/pytest -q tests/test_house.py tests/house

bench: .venv/installed-bench ## Measure it beside a Flask server, and where the time goes (ARGS="--rounds 9" is passed on)
	@.venv/bin/python -m tests.bench $(ARGS)

docs: .venv/installed-dev ## Write the tables of README.md and REFERENCE.md anew, from the code
	@.venv/bin/python -m tests.house.reference

.venv/installed: pyproject.toml .ci/bootstrap
	@sh .ci/bootstrap .
	@touch $@

.venv/installed-dev: pyproject.toml .ci/bootstrap
	@sh .ci/bootstrap '.[dev]'
	@touch $@ .venv/installed

.venv/installed-bench: pyproject.toml .ci/bootstrap
	@sh .ci/bootstrap '.[bench,dev,foreign,fuzz]'
	@touch $@ .venv/installed-dev .venv/installed
