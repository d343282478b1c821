# Skein: `make run` shows it, `make test` checks everything. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= python3
# More words for every debug `swift build` and `swift test`, e.g. -Xswiftc -warnings-as-errors. Other words
# make SwiftPM build again.
SWIFT_FLAGS ?=
FAULTS ?=

SWIFT_SOURCES = Package.swift Sources Examples Tests Benchmarks Fuzz
VENV_READY = .venv/.ready

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: packages-build ## Install what is missing, build release, start skeind and the demo, show what happened
	for product in skeind skein skein-demo; do swift build -c release --product $$product; done
	@bin="$$(swift build -c release --show-bin-path)"; \
	exec "$$bin/skein-demo" run --skeind "$$bin/skeind" --data ./skein-data

.PHONY: test
test: packages-build packages-test $(VENV_READY) ## Everything, from a clean checkout
	swift build --build-tests $(SWIFT_FLAGS)
	swift test --skip-build --parallel --disable-xctest $(SWIFT_FLAGS)

.PHONY: format
format: ## Rewrite the Swift sources as swift-format has them
	swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

.PHONY: lint
lint: ## Fail on anything `make format` would change
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)

.PHONY: docs-check
docs-check: packages-build ## Compile the examples of the README, Docs/ and doc comments
	swift build $(SWIFT_FLAGS)
	$(PYTHON) Tests/Docs/docs_check.py --build "$$(swift build --show-bin-path)"

# TRAITS="Tracing" for one of them.
TRAITS ?=
.PHONY: adapters
adapters: packages-build packages-test $(VENV_READY) ## Test each adapter against its real package, as far as the packages can be had
	Tests/Adapters/test-traits $(TRAITS)

# Each sanitizer needs the whole package compiled its own way, hence a folder of its own.
.PHONY: sanitize
sanitize: packages-build ## The SDK's tests under the thread sanitizer, BSON and journal under the address sanitizer
	swift test --disable-xctest -Xswiftc -use-ld=lld --sanitize thread --scratch-path .build-thread --filter '^SkeinTests\.'
	swift test --disable-xctest -Xswiftc -use-ld=lld --sanitize address --scratch-path .build-address --filter '^Skein(BSON|Journal)Tests\.'

.PHONY: bench
bench: packages-build packages-bench .venv-bench/.ready ## The benchmarks' table: ours, a peer's, the ratio; then what "nothing is lost" costs
	for product in skeind skein SkeinAllocations SkeinBenchmarks; do swift build -c release --product $$product; done
	bin="$$(swift build -c release --show-bin-path)"; \
	"$$bin/SkeinBenchmarks"; \
	"$$bin/SkeinBenchmarks" --only reliability

# MODEL_SEQUENCES is how many for each of the two writers; a failure prints its seed, for SKEIN_JOURNAL_SEED.
MODEL_SEQUENCES ?= 100000
.PHONY: model
model: packages-build ## 100,000 random sequences of each journal writer against a model, and the power cut at every write
	swift build -c release --build-tests -Xswiftc -enable-testing --scratch-path .build-model
	SKEIN_JOURNAL_SEQUENCES=$(MODEL_SEQUENCES) timeout 3600 \
	swift test -c release --skip-build --disable-xctest -Xswiftc -enable-testing --scratch-path .build-model \
		--filter 'BatchModelTests|MappedModelTests'

# FAULTS takes more words for the first, e.g. FAULTS="--kills 100 --seed 7".
.PHONY: faults
faults: packages-build ## Kill app, collector and master 1,000 times under load and count; a backlog of 2 GiB
	for product in skeind SkeinFaults; do swift build -c release --product $$product; done
	bin="$$(swift build -c release --show-bin-path)"; \
	"$$bin/SkeinFaults" kills $(FAULTS); \
	"$$bin/SkeinFaults" backlog

.PHONY: gate
gate: packages-build packages-test ## Fail if a context needs more instructions or allocations than Benchmarks/thresholds.txt says
	for product in SkeinAllocations SkeinBenchmarks; do swift build -c release --product $$product; done
	$(PYTHON) Benchmarks/gate.py "$$(swift build -c release --show-bin-path)"

.PHONY: install
install: packages-build ## Install skeind, skein and the systemd unit under PREFIX (and DESTDIR)
	for product in skeind skein; do swift build -c release --static-swift-stdlib --product $$product; done
	bin="$$(swift build -c release --static-swift-stdlib --show-bin-path)"; \
	install -D -m 755 "$$bin/skeind" "$(DESTDIR)$(PREFIX)/bin/skeind"; \
	install -D -m 755 "$$bin/skein" "$(DESTDIR)$(PREFIX)/bin/skein"
	install -D -m 644 Sources/CSkeinProcessor/include/skein_processor.h "$(DESTDIR)$(PREFIX)/include/skein_processor.h"
	install -d "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	sed 's|@PREFIX@|$(PREFIX)|g' Packaging/skeind.service.in >"$(DESTDIR)$(PREFIX)/lib/systemd/system/skeind.service"
	install -D -m 644 Packaging/skeind.yaml "$(DESTDIR)$(PREFIX)/share/skein/skeind.yaml"
	install -d "$(DESTDIR)$(PREFIX)/share/doc/skein"
	install -m 644 README.md LICENSE CHANGELOG.md "$(DESTDIR)$(PREFIX)/share/doc/skein"
	cp -R Docs "$(DESTDIR)$(PREFIX)/share/doc/skein/"

.PHONY: clean
clean: ## Remove what was built, the Python environment too (skein-data stays)
	rm -rf .build .build-thread .build-address .build-model .build-adapters .venv .venv-bench

.PHONY: packages-build packages-test packages-bench
packages-build packages-test packages-bench: packages-%:
	@Packaging/install-packages $*

.venv-bench/.ready: Benchmarks/Peers/requirements.txt | packages-test
	rm -rf .venv-bench
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement Benchmarks/Peers/requirements.txt
	touch $@

$(VENV_READY): Tests/Python/requirements.txt | packages-test
	rm -rf .venv
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement Tests/Python/requirements.txt
	touch $@
