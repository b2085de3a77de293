# An index of commands; each is one line, so nobody needs make to work here.
.PHONY: help run setup hooks dev test test-fast test-deep check fix docs pages migration lock bench

help:  ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | column -t -s '|'

run:  ## set up what is missing, then serve ./data on 127.0.0.1:8080; Ctrl-C stops
	@tools/setup.sh run && exec .venv/bin/moorage serve --data data

setup:  ## .venv with all that run, test and check need, from the hashed lock files
	@tools/setup.sh develop

hooks:  ## check each commit of this clone before it is made (3 s); asked for, never done by another target
	@git config core.hooksPath tools/hooks && echo "git runs tools/hooks/pre-commit before each commit of this clone"

dev: setup  ## serve ./data and start again whenever a file of moorage/ changes
	@.venv/bin/python tools/dev.py

test: setup  ## every test this machine can run; says what it left out and why (with CI=true, leaving out is failing)
	@.venv/bin/python tools/run_tests.py

test-fast: setup  ## unit, api, contracts and house: no server, under a minute
	@.venv/bin/python tools/run_tests.py unit api contracts house

test-deep: setup  ## everything with large counts; the seed is printed
	@.venv/bin/python tools/run_tests.py --deep

check: setup  ## ruff, format, mypy, import-linter, codespell, docs
	@.venv/bin/python tools/check.py

fix: setup  ## what the checks can mend by themselves
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format . && .venv/bin/codespell --write-changes

docs: setup  ## build the documentation and serve it on 127.0.0.1:8000
	@.venv/bin/mkdocs serve --strict --dev-addr 127.0.0.1:8000

pages: setup  ## write settings.md, configuration.md, cli.md and errors.md from the code
	@.venv/bin/python tools/write_docs.py

migration: setup  ## a new revision from the tables: make migration m="add tag history"
	@.venv/bin/python tools/migration.py "$(m)"

lock: setup  ## write requirements/*.txt again; `make lock upgrade=--upgrade` moves to the newest releases
	@tools/lock.sh $(upgrade)

bench: setup  ## measure, with the command lines of both sides printed
	@.venv/bin/python -m tests.bench $(ROW)
