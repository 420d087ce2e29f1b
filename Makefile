# The two commands: `make run` and `make test`. The others are their parts.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

TOOLS := target/tools
export WOMBAT_NATS_SERVER := $(CURDIR)/$(TOOLS)/nats-server
export WOMBAT_NATS_CLI := $(CURDIR)/$(TOOLS)/nats
CARGO ?= cargo
ARGS ?=

.PHONY: run
run: ui ## Build everything and start it; ARGS="--http 0.0.0.0:4430" and the like are passed on
	$(CARGO) build --release --locked -p wombat
	env -u WOMBAT_NATS_SERVER target/release/wombat up $(ARGS)

.PHONY: test
test: lint test-ui test-rust test-browser ## Install what the tests need and run all of them

.PHONY: test-rust
test-rust: tools
	$(CARGO) test --locked --workspace

.PHONY: test-ui
test-ui: ui/node_modules/.package-lock.json
	npm --prefix ui run lint
	npm --prefix ui test

.PHONY: test-browser
test-browser: tools ui chromium
	$(CARGO) build --locked -p wombat
	npm --prefix ui run test:browser

.PHONY: lint
lint: layers
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: layers
layers: ## The crates depend on each other in one direction, and on one TLS provider
	tools/check-layers

.PHONY: ui
ui: ui/dist/index.html

ui/node_modules/.package-lock.json: ui/package-lock.json
	npm --prefix ui ci --no-audit --no-fund

ui/dist/index.html: ui/node_modules/.package-lock.json ui/index.html $(shell find ui/src ui/public -type f 2>/dev/null)
	npm --prefix ui run build

.PHONY: tools
tools: $(TOOLS)/nats-server $(TOOLS)/nats ## nats-server and the nats CLI, at their pinned versions

$(TOOLS)/nats-server $(TOOLS)/nats &: tools/go.mod tools/go.sum
	cd tools && GOFLAGS= GOWORK=off CGO_ENABLED=0 go build -mod=readonly -trimpath -o ../$(TOOLS)/ \
		github.com/nats-io/nats-server/v2 github.com/nats-io/natscli/nats
	touch $(TOOLS)/nats-server $(TOOLS)/nats

.PHONY: chromium
chromium:
	tools/install-chromium

.PHONY: help
help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16
