# make serve: run the server on this machine. make test: run all checks and tests.
.PHONY: install venv serve test check coverage unit contract image-test processes soak fuzz audit media bench bench-bodies bench-listeners bench-outages bench-silence bench-instant bench-limits bench-claims bench-fairness bench-attacks bench-open-uploads bench-small-files bench-ways bench-processes structure site pictures lock clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SERVES := .venv/.serves
# Three processes for two cores: tests of services wait for a third of their time.
IN_PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder

# The packages of a lock, and the product itself. Both locks have the same versions, so the larger set is added to
# the smaller one in the same environment.
define install_packages
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/it"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the packages of $(1) into .venv"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
endef

# What the product needs, and the tools of developers.
install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(call install_packages,requirements.lock)
	@touch $(SERVES) $(STAMP)

# What the product needs.
venv: $(SERVES)

$(SERVES): requirements-serve.lock pyproject.toml
	$(call install_packages,requirements-serve.lock)
	@touch $(SERVES)

serve: $(SERVES)
	@deploy/packages/install.sh deploy/packages/serve.txt
	@command -v ffmpeg >/dev/null || $(BIN)/python -c 'import imageio_ffmpeg' 2>/dev/null || \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-ffmpeg.lock
	@$(BIN)/tusd-py serve $(ARGS)

check: install
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

test: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@tests/node/install.sh
	@tests/s3/install.sh & built=$$!; $(MAKE) --no-print-directory check && wait $$built
	@$(BIN)/pytest $(IN_PARALLEL)

# The same tests with their branch coverage, which takes a third more time.
coverage: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@tests/node/install.sh
	@tests/s3/install.sh
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest $(IN_PARALLEL)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report --include='tusd_py/protocol/*,tusd_py/uploads/*,worker/pipeline/*' -m
	@$(BIN)/coverage report --format=total | sed 's/^/branch coverage of everything, in percent: /'

# Tests in process, without services, in half a minute on two idle cores.
unit: install
	@$(BIN)/pytest -q -n auto tests/unit -m "not slow"

# Tests of every adapter of a port, on real services; state machines; what "make unit" leaves out.
contract: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@$(BIN)/pytest -q -n auto tests/contract tests/property
	@$(BIN)/pytest -q -n auto tests/unit -m slow

# Build the image and run it as Compose does: with each release. It needs root and a mirror of Debian.
image-test: install
	@deploy/packages/install.sh deploy/packages/image.txt
	@$(BIN)/pytest -q --timeout 1800 tests/image

# Media files of all kinds through a real server; ARGS="--groups rotation" or "--only 66_" selects some.
media: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@tests/node/install.sh
	@PYTHONPATH=tests:deploy:. $(BIN)/python tests/media/table.py $(ARGS)

# Tests that start a server start one of two processes.
processes: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@tests/node/install.sh
	@TUSD_PROCESSES=2 $(BIN)/pytest $(IN_PARALLEL) tests/integration tests/fault tests/e2e/test_clients.py

soak: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@$(BIN)/pytest -q tests/soak --deselect tests/soak/test_fuzz.py
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory processes

fuzz: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python atheris==3.0.0
	@$(BIN)/pytest -q -s tests/soak/test_fuzz.py

audit: install
	@$(BIN)/uv tool run -q pip-audit==2.10.1 --strict --disable-pip --require-hashes -r requirements.lock
	@cd tusd_py/page/source && npm audit
	@cd tests/node && npm audit

bench: install
	@tests/bench/peers/install.sh
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/compare.py $(ARGS)

bench-bodies: install
	@tests/bench/peers/install.sh
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/bodies.py $(ARGS)

bench-listeners: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/listeners.py $(ARGS)

bench-silence: install
	@PYTHONPATH=tests:deploy:. $(BIN)/python tests/bench/silence.py $(ARGS)

bench-instant: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@tests/node/install.sh
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/instant_clients.py $(ARGS)

bench-attacks: install
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/attacks.py $(ARGS)

bench-limits: install
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/limits.py

bench-claims: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/claims.py

bench-fairness: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/fairness.py

bench-open-uploads: install
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/open_uploads.py $(ARGS)

bench-small-files: install
	@deploy/packages/install.sh deploy/packages/test.txt
	@tests/node/install.sh
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/small_files.py $(ARGS)

bench-ways: install
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/ways.py $(ARGS)

# ARGS="--before FOLDER" runs another version in turn.
bench-start: install
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/start.py $(ARGS)

bench-processes: install
	@PYTHONPATH=tests:deploy:. $(BIN)/python tests/bench/processes.py $(ARGS)

bench-outages: install
	@deploy/packages/install.sh deploy/packages/local.txt
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/outages.py $(ARGS)

# Figures about the structure of the code; ARGS=-v lists what was counted.
structure: install
	@PYTHONPATH=tests:deploy $(BIN)/python tests/bench/structure.py $(ARGS)

site: install
	@$(BIN)/mkdocs build -q --strict -f deploy/site/mkdocs.yml

pictures: install
	@PYTHONPATH=tests:deploy $(BIN)/python tests/pictures/take.py

# One resolution: the smaller locks take their versions from the first one.
COMPILE = $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --universal --python-version 3.11
EXTRAS := --extra distributed --extra oss --extra s3 --extra otel

lock:
	@$(COMPILE) pyproject.toml $(EXTRAS) --extra ffmpeg --group dev -o requirements.lock
	@$(COMPILE) pyproject.toml $(EXTRAS) --group build -c requirements.lock -o requirements-serve.lock
	@echo imageio-ffmpeg | $(COMPILE) - -c requirements.lock -o requirements-ffmpeg.lock

clean:
	@rm -rf .venv tests/node/node_modules .coverage .coverage.*
