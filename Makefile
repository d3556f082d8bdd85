# Everything a person or CI does with Triflow. It needs Go, Node with npm, gcc and make; each target fetches the rest.
# Tools are pinned in tools/ and built into .bin; nothing is installed outside this folder but Debian packages.

BIN     := $(CURDIR)/.bin
WEB     := gateway/web
BUF     := tools/node_modules/.bin/buf
MODULES := . sdk test
TARGETS := linux/amd64 linux/arm64 darwin/arm64
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
LDFLAGS := -s -w -X main.version=$(VERSION)

# A program is what its own go.mod says, without the workspace, and needs no C. Linters run the same way, so that they
# find what the build has compiled.
ALONE   := GOWORK=off CGO_ENABLED=0 GOFLAGS='$(strip $(GOFLAGS) -trimpath)'
GO      := $(ALONE) go

export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##### Use

.PHONY: run
run: build ## Build page and binary, start all of it with the demo shop (DATA=folder keeps the data)
	@exec $(BIN)/triflow all --demo $(if $(DATA),--data "$(DATA)")

.PHONY: build
build: web ## Build .bin/triflow with the page inside
	$(GO) build -tags web -ldflags '$(LDFLAGS)' -o $(BIN)/triflow ./cmd/triflow

.PHONY: web
web: $(WEB)/node_modules/.package-lock.json ## Build the page
	npm --prefix $(WEB) run build

.PHONY: release
release: web ## Build dist/ with a binary for each system, and their checksums
	@rm -rf dist && mkdir dist
	@for t in $(TARGETS); do \
		out=dist/triflow-$(VERSION)-$${t%/*}-$${t#*/}; echo "$$out"; \
		GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -tags web -ldflags '$(LDFLAGS)' -o "$$out" ./cmd/triflow || exit 1; \
	done
	@cd dist && sha256sum triflow-* > SHA256SUMS

.PHONY: bench
bench: build ## Measure, write docs/benchmarks.md (ONLY=ingestion or ONLY=system for one of them)
	cd test && go run ./bench $(if $(ONLY),-only $(ONLY)) -out ../docs/benchmarks.md

##### Change

.PHONY: generate
generate: tools ## Write all that comes from the contracts (Go, OpenAPI, TypeScript), and docs/reference
	rm -rf proto/gen $(WEB)/src/gen
	$(BUF) generate
	$(GO) run ./cmd/triflow docs docs/reference

.PHONY: lint
lint: lint-go lint-proto lint-web ## Run every linter

.PHONY: format
format: tools ## Format all Go code
	gofumpt -w $(MODULES)

.PHONY: tidy
tidy: ## Tidy the go.mod of each module
	@for m in $(MODULES); do $(GO) -C $$m mod tidy || exit 1; done

##### Check

.PHONY: test
test: packages tools build check-release lint check-breaking check-generated check-tidy test-go test-web ## Run everything that CI runs

# The tests of the whole system read files and start programs that Go's cache of results does not know of: -count=1.
# What is measured there must not be disturbed, so one package runs at a time, and three systems side by side.
.PHONY: test-go
test-go: packages tools build ## Test the Go code under the race detector
	cd sdk && go test -race ./...
	go test -race -timeout 15m ./...
	cd test && go test -race -timeout 20m -count=1 -p 1 -parallel 3 ./...

# What every test run does for seconds: hold ingestion in overload, kill it, cut its power, flip the bits of its log.
SOAK  ?= 10m
KILLS ?= 200
.PHONY: soak
soak: ## Overload ingestion for SOAK=10m, kill it and cut its power KILLS=200 times, flip every bit of a log
	TRIFLOW_WAL_TEST_EVERY_BIT=1 TRIFLOW_WAL_TEST_KILLS=$(KILLS) go test -count=1 -timeout 60m ./pkg/wal
	cd test && TRIFLOW_TEST_SOAK=$(SOAK) TRIFLOW_TEST_KILLS=$(KILLS) go test -count=1 -v -timeout 120m ./soak

# Go fuzzes one target at a time. An input that breaks one is written to its testdata, where every later test runs it
# again: fix it and commit both. The round goes on after a failure and tells of all of them at its end. Left to itself, Go
# would spend a minute on making each input of interest shorter, which is most of the time.
FUZZTIME ?= 1m
.PHONY: fuzz
fuzz: ## Fuzz every target in turn, FUZZTIME=1m each
	@failed=; \
	for at in $$(git grep -o '^func Fuzz[[:alnum:]_]*' -- '*_test.go' | sed 's/:func /:/'); do \
		dir=$$(dirname "$${at%%:*}") name=$${at##*:}; echo "fuzz $$dir $$name"; \
		go -C "$$dir" test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x -parallel 1 . || failed="$$failed $$dir:$$name"; \
	done; \
	test -z "$$failed" || { echo "broken:$$failed"; exit 1; }

.PHONY: test-web
test-web: packages web ## Test the page, its model and the page in a browser
	npm --prefix $(WEB) test
	npm --prefix $(WEB) run e2e:mock

.PHONY: lint-go
lint-go: tools
	@gofumpt -l $(MODULES) | (! grep .) || { echo 'not formatted: make format'; exit 1; }
	@for m in $(MODULES); do echo "lint $$m" && (cd $$m && $(GO) vet ./... && $(ALONE) golangci-lint run --config $(CURDIR)/.golangci.yml ./...) || exit 1; done

.PHONY: lint-proto
lint-proto: tools
	$(BUF) lint

.PHONY: lint-web
lint-web: $(WEB)/node_modules/.package-lock.json
	npm --prefix $(WEB) run typecheck
	npm --prefix $(WEB) run lint

# The release compiles for every system without C; the page does not matter here.
.PHONY: check-release
check-release:
	@for t in $(TARGETS); do echo "compile $$t" && GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -o /dev/null ./cmd/triflow || exit 1; done

# A contract may grow and not break: what the last commit promised still holds. A shallow clone has no last commit.
.PHONY: check-breaking
check-breaking: tools
	@rm -rf $(BIN)/contracts && mkdir -p $(BIN)/contracts
	@if git rev-parse --quiet --verify 'HEAD~1^{commit}' >/dev/null; then \
		git archive HEAD~1 -- buf.yaml proto | tar -x -C $(BIN)/contracts && $(BUF) breaking --against $(BIN)/contracts; \
	else echo 'no earlier commit in this clone: contracts not compared'; fi

# Generated code is what the contracts give now. It is made elsewhere and compared, so that a check changes no file.
.PHONY: check-generated
check-generated: tools
	@rm -rf $(BIN)/generated
	$(BUF) generate --output $(BIN)/generated
	@for d in proto/gen $(WEB)/src/gen gateway/openapi/triflow.swagger.json; do \
		diff -r -q $(BIN)/generated/$$d $$d || { echo 'generated code differs: make generate'; exit 1; }; \
	done

.PHONY: check-tidy
check-tidy:
	@for m in $(MODULES); do $(GO) -C $$m mod tidy -diff || { echo "$$m/go.mod: make tidy"; exit 1; }; done

##### Get

.PHONY: tools
tools: $(BIN)/gofumpt $(BIN)/golangci-lint $(BIN)/consul tools/node_modules/.package-lock.json $(WEB)/node_modules/.package-lock.json ## Build the pinned tools into .bin

# The plugins of the contracts come with gofumpt: one go.mod, one build.
$(BIN)/gofumpt: tools/go.mod tools/go.sum
$(BIN)/golangci-lint: tools/golangci/go.mod tools/golangci/go.sum
$(BIN)/consul: tools/consul/go.mod tools/consul/go.sum
$(BIN)/gofumpt $(BIN)/golangci-lint $(BIN)/consul:
	@mkdir -p $(BIN)
	$(GO) -C $(<D) build -o $(BIN)/ tool
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json
	npm --prefix $* ci --no-audit --no-fund
	@touch $@

# Debian calls these packages as their programs.
.PHONY: packages
packages: ## Install the Debian packages that tests need (as root; else it prints the line to type)
	@missing=; for p in chromium redis-server; do command -v $$p >/dev/null || missing="$$missing $$p"; done; \
	test -z "$$missing" && exit 0; \
	line="apt-get install -y --no-install-recommends fonts-dejavu-core$$missing"; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then apt-get update -q && DEBIAN_FRONTEND=noninteractive $$line; \
	else echo "The tests need$$missing. Type: sudo $$line"; exit 1; fi

.PHONY: clean
clean: ## Remove what was built; tools stay
	rm -rf dist $(WEB)/dist $(BIN)/triflow $(BIN)/contracts $(BIN)/generated
