# The two commands: `make run` and `make test`. The others are their parts.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

TOOLS := target/tools
export WOMBAT_NATS_SERVER := $(CURDIR)/$(TOOLS)/nats-server
export WOMBAT_NATS_CLI := $(CURDIR)/$(TOOLS)/nats
export WOMBAT_SCHEMATHESIS := $(CURDIR)/$(TOOLS)/schemathesis/bin/schemathesis
CARGO ?= cargo
ARGS ?=

.PHONY: run
run: ui ## Build everything and start it; ARGS="--http 0.0.0.0:4430" and the like are passed on
	$(CARGO) build --release --locked -p wombat
	env -u WOMBAT_NATS_SERVER target/release/wombat up $(ARGS)

PARTS := lint test-ui test-rust test-three test-browser

.PHONY: test
test: ## Install what the tests need and run all of them, and say how long each part took
	@took=; for part in $(PARTS); do \
		begun=$$SECONDS; $(MAKE) --no-print-directory $$part; seconds=$$((SECONDS - begun)); \
		took+="$$(printf '%3d min %02d s' $$((seconds / 60)) $$((seconds % 60)))  $$part"$$'\n'; \
	done; printf '%s' "$$took"

.PHONY: test-rust
test-rust: tools strace schemathesis faketime clients
	$(CARGO) test --locked --workspace --no-run
	TMPDIR=$$(tools/test-folder) $(CARGO) test --locked --workspace

.PHONY: test-three
test-three: tools ## The tests of store and service on one cluster of three nats-servers
	TMPDIR=$$(tools/test-folder) tools/test-on-cluster wombat-store wombat-service

.PHONY: test-cluster
test-cluster: tools strace schemathesis faketime clients ## The same, and those of gateway and builder
	TMPDIR=$$(tools/test-folder) WOMBAT_TEST_REPLICAS=3 $(CARGO) test --locked --no-fail-fast --workspace

.PHONY: test-ui
test-ui: ui/node_modules/.package-lock.json
	npm --prefix ui run lint
	npm --prefix ui test

# `cargo test` makes the program, too; `cargo build` would compile most of it anew, with fewer features.
.PHONY: test-browser
test-browser: tools ui chromium
	$(CARGO) test --locked --workspace --no-run
	TMPDIR=$$(tools/test-folder) npm --prefix ui run test:browser

.PHONY: bench
bench: tools ui chromium ## Measure everything beside its limit and write bench/RESULTS.md; ARGS="--only rest" for a part
	$(CARGO) build --release --locked -p wombat -p wombat-bench
	target/release/wombat-bench $(ARGS)

.PHONY: dist
dist: ui ## Pack the programs for linux/amd64 and linux/arm64 into dist/, with their checksums
	tools/dist

.PHONY: lint
lint: layers workflows
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps --quiet

.PHONY: layers
layers: ## The crates depend on each other in one direction, and on one TLS provider; no modules in circles; licences as deny.toml has them
	tools/check-layers
	tools/check-circles
	tools/check-licences

# shellcheck and pyflakes are named so that their being on a machine changes nothing.
.PHONY: workflows
workflows: $(TOOLS)/actionlint ## The workflows of .github have no mistakes
	$(TOOLS)/actionlint -shellcheck= -pyflakes=

$(TOOLS)/actionlint: tools/actionlint/go.mod tools/actionlint/go.sum
	cd tools/actionlint && GOFLAGS= GOWORK=off CGO_ENABLED=0 go build -mod=readonly -trimpath -o ../../$(TOOLS)/ \
		github.com/rhysd/actionlint/cmd/actionlint
	touch $@

.PHONY: ui
ui: ui/dist/index.html

ui/node_modules/.package-lock.json: ui/package-lock.json
	npm --prefix ui ci --no-audit --no-fund

ui/dist/index.html: ui/node_modules/.package-lock.json ui/index.html $(shell find ui/src ui/public -type f 2>/dev/null)
	npm --prefix ui run build

.PHONY: tools
tools: $(TOOLS)/nats-server $(TOOLS)/nats $(TOOLS)/nats-server-clock ## nats-server and the nats CLI, at their pinned versions

$(TOOLS)/nats-server $(TOOLS)/nats &: tools/go.mod tools/go.sum
	cd tools && GOFLAGS= GOWORK=off CGO_ENABLED=0 go build -mod=readonly -trimpath -o ../$(TOOLS)/ \
		github.com/nats-io/nats-server/v2 github.com/nats-io/natscli/nats
	touch $(TOOLS)/nats-server $(TOOLS)/nats

$(TOOLS)/nats-server-clock: tools/go.mod tools/go.sum tools/build-nats-server-clock
	tools/build-nats-server-clock $@
	touch $@

.PHONY: chromium
chromium:
	tools/install-chromium

.PHONY: schemathesis
schemathesis: $(TOOLS)/schemathesis/bin/schemathesis

$(TOOLS)/schemathesis/bin/schemathesis: tools/schemathesis.txt tools/install-schemathesis tools/python-environment
	tools/install-schemathesis $(TOOLS)/schemathesis

CLIENTS := crates/wombat/tests/clients

.PHONY: clients
clients: $(TOOLS)/nats-py/installed $(CLIENTS)/javascript/node_modules/.package-lock.json ## nats-py and nats.js, at their pinned versions

$(TOOLS)/nats-py/installed: $(CLIENTS)/python/requirements.txt tools/python-environment
	tools/python-environment $(TOOLS)/nats-py $<

$(CLIENTS)/javascript/node_modules/.package-lock.json: $(CLIENTS)/javascript/package-lock.json
	npm --prefix $(CLIENTS)/javascript ci --no-audit --no-fund

.PHONY: strace
strace:
	tools/install-strace

.PHONY: faketime
faketime:
	tools/install-faketime

CATALOG := crates/wombat-service/catalog
CONNECT := github.com/redpanda-data/connect/v4
BENTHOS := github.com/redpanda-data/benthos/v4
# The lines of Go releases that the catalog's releases are known to be built with, newest first.
GO_LINES := 1.26
catalog-import = target/release/wombat catalog make $(1)@$(2) --sources $(CATALOG)/sources/$(3).json \
	$(addprefix --go-line ,$(GO_LINES)) --go-releases $(CATALOG)/go-releases.json \
	--output $(CATALOG)/$(4)-$(2).json --components $(CATALOG)/components/$(4)-$(2)

.PHONY: catalog
catalog: ## Make the embedded catalog anew from the real modules, and from the module proxy's list of Go releases
	$(CARGO) build --release --locked -p wombat
	target/release/wombat catalog make-go-releases $(CATALOG)/go-releases.json
	$(call catalog-import,$(BENTHOS),v4.80.0,benthos,benthos)
	$(call catalog-import,$(BENTHOS),v4.78.0,benthos,benthos)
	$(call catalog-import,$(BENTHOS),v4.77.0,benthos,benthos)
	$(call catalog-import,$(CONNECT),v4.110.0,connect,connect)
	$(call catalog-import,$(CONNECT),v4.105.0,connect,connect)
	$(call catalog-import,$(CONNECT),v4.100.0,connect-older,connect)
	$(call catalog-import,$(CONNECT),v4.85.0,connect-older,connect)
	$(MAKE) --no-print-directory differential
	$(MAKE) --no-print-directory data-flow ARGS='--only iam'

SELECT_TESTS := crates/wombat-service/src/select/tests

.PHONY: differential
differential: ## Let a real binary lint 6,000 generated pipelines, write its verdicts down, and compare `select` with them
	$(CARGO) run --locked -p wombat-testkit --bin differential -- $(CATALOG) $(SELECT_TESTS)/differential/verdicts.txt
	$(CARGO) test --locked -p wombat-service --lib select::tests::differential

.PHONY: mutated
mutated: ## Select 200,000 mutated pipelines, and say how long it took; needs the machine for itself
	WOMBAT_TEST_MUTATED=200000 RUST_BACKTRACE=0 $(CARGO) test --release --locked -p wombat-service --lib -- --nocapture select::tests::mutated

.PHONY: catalog-survey
catalog-survey: ## Add to the embedded catalog what the source of its packages says, without building them again
	$(CARGO) build --release --locked -p wombat
	target/release/wombat catalog survey $(CATALOG)/connect-v4.105.0.json --sources $(CATALOG)/sources/connect.json
	target/release/wombat catalog platforms $(CATALOG)/connect-v4.105.0.json

.PHONY: torture
torture: tools faketime ## Surprise a whole system in every way that there is, and count what was lost; ARGS="--only calm --quick" for a part
	$(CARGO) build --release --locked -p wombat
	$(CARGO) run --release --locked -p wombat-testkit --bin torture -- $(ARGS)

$(TOOLS)/data-servers: tools/data-servers/go.mod tools/data-servers/go.sum tools/data-servers/main.go
	cd tools/data-servers && GOFLAGS= GOWORK=off CGO_ENABLED=0 go build -mod=readonly -trimpath -o ../../$(TOOLS)/ .

.PHONY: data-flow
data-flow: tools $(TOOLS)/data-servers ## Run pipelines with data between real servers, each with the smallest binary; ARGS="--only redis" for a part
	tools/install-data-servers
	$(CARGO) build --release --locked -p wombat
	$(CARGO) run --release --locked -p wombat-testkit --bin data-flow -- $(ARGS)

.PHONY: hostile-binary
hostile-binary: ## Let a hostile program try everything at every level of the sandbox, and print what it got and what the host saw; the table is in docs/SECURITY.md
	$(CARGO) test --locked -p wombat-child --test it --no-run
	WOMBAT_TEST_HOSTILE=full tools/with-pids-limit 6000 $(CARGO) test --locked -p wombat-child --test it hostile -- --nocapture --test-threads 1

.PHONY: hostile-modules
hostile-modules: tools ## Let a whole system build 32 hostile modules with real Go, honest builds beside each, in a quarter of an hour; ARGS="--only bomb" for a part
	$(CARGO) build --locked -p wombat
	$(CARGO) run --locked -p wombat-testkit --bin hostile-modules -- $(ARGS)

.PHONY: kill-files
kill-files: tools ## Damage each file that is believed in every way, kill go while it writes modules (20 times) and another Go (10 times)
	TMPDIR=$$(tools/test-folder) WOMBAT_TEST_KILLS=20 $(CARGO) test --locked --workspace --test it half_

# v0.1.0. Its own target folder: the program of this tree, which tests run, stays in its place.
OLD := f89c730
OLD_SOURCE := target/old/source

.PHONY: old-binary
old-binary: ## Build v0.1.0's program, for checks that need it itself: target/old/wombat
	test -e $(OLD_SOURCE)/.git || git worktree add --force --detach $(OLD_SOURCE) $(OLD)
	cd $(OLD_SOURCE) && CARGO_TARGET_DIR=$(CURDIR)/target/old/build $(CARGO) build --locked -p wombat
	cp target/old/build/debug/wombat target/old/wombat
	target/old/wombat --version

.PHONY: store-fixture
store-fixture: tools old-binary ## Make the store of v0.1.0 that tests start this program on anew
	$(CARGO) run --locked -p wombat-testkit --bin store-fixture -- target/old/wombat crates/wombat/tests/fixtures/store-v0.1.0

.PHONY: upgrade
upgrade: tools old-binary ## Upgrade systems of v0.1.0 under load, and compare everything before and after; ARGS="--only up" for a part
	$(CARGO) build --release --locked -p wombat
	TMPDIR=$$(tools/test-folder) $(CARGO) run --release --locked -p wombat-testkit --bin upgrade -- target/old/wombat $(ARGS)

.PHONY: help
help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16
