# Plimsoll. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export GOFLAGS ?= -buildvcs=false

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
BIN     := bin
LINT_VERSION := v2.15.0

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-zA-Z_-]+:.*## / {printf "  \033[1m%-22s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Run the whole App against a simulated GitHub and open its page
	go run ./cmd/plimsoll demo

.PHONY: build
build: ## Build the static binary to bin/plimsoll
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/plimsoll ./cmd/plimsoll

# RACE=-race and TAGS=githubdescriptions,browser are what CI adds. What works through thousands of examples on one goroutine runs
# without the detector, which makes it ten times as slow.
.PHONY: test
test: $(if $(findstring githubdescriptions,$(TAGS)),github-descriptions) ## Run the tests
	go test $(RACE) $(if $(RACE),-short) $(if $(TAGS),-tags $(TAGS)) $(if $(RACE),$$(go list ./... | grep -v '/rules$$'),./...)
	$(if $(RACE),go test ./rules ./internal/sandbox ./internal/reviewer ./internal/format/...)

.PHONY: test-all
test-all: ## Run the tests with all that CI adds: GitHub's descriptions, a browser, the race detector
	$(MAKE) test RACE=-race TAGS=githubdescriptions,browser

.PHONY: github-descriptions
github-descriptions: ## Fetch GitHub's own descriptions (npm) that the simulated GitHub is checked against
	.ci/github-descriptions.sh

.PHONY: rules-test
rules-test: ## Run the examples of every rule
	go run ./cmd/plimsoll rules test

.PHONY: fixes
fixes: ## Say which rules have fixes, and the share of findings on testdata/corpus with a proven one
	go run ./cmd/plimsoll rules fixes testdata/corpus

.PHONY: rules-bench
rules-bench: ## Measure the catalogue: evaluations a second and their allocations, cold compile time
	go test -run '^$$' -bench . -benchmem ./rules

.PHONY: noise
noise: ## Count findings for each 100 resources over manifests and Terraform that Go modules ship (downloads them)
	.ci/noise.sh

.PHONY: rule-docs
rule-docs: ## Write docs/rules and the schema of rule files anew
	go run ./cmd/plimsoll rules docs docs/rules
	go run ./cmd/plimsoll rules schema > docs/rule.schema.json

.PHONY: coverage
coverage: ## Say which of the field's checks the rules cover, by platform and theme
	go run ./cmd/plimsoll rules coverage

.PHONY: lint
lint: $(BIN)/golangci-lint-$(LINT_VERSION) ## Run the linters, the walls between the rooms among them
	@test -z "$$(gofmt -l cmd internal rules)" || { gofmt -l cmd internal rules; echo "gofmt the files above"; exit 1; }
	$(BIN)/golangci-lint-$(LINT_VERSION) run ./...

$(BIN)/golangci-lint-$(LINT_VERSION):
	GOBIN=$(CURDIR)/$(BIN)/install go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(BIN)/install/golangci-lint $@ && rmdir $(BIN)/install

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (default 20s)
	.ci/fuzz.sh $(or $(FUZZTIME),20s)

.PHONY: bench
bench: ## Run the benchmarks of the hot paths
	go test -run '^$$' -bench . -benchmem ./internal/...

.PHONY: measure
measure: ## Take the figures of docs/performance.md (some minutes)
	.ci/measure.sh

.PHONY: image
image: ## Build the container image
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) -t plimsoll:$(VERSION) .

.PHONY: image-oci
image-oci: build ## Pack the binary as an OCI image layout, without a container engine
	mkdir -p dist
	go run ./deploy/image -o dist/plimsoll.oci.tar -version $(VERSION) -revision '$(COMMIT)' $$(go env GOARCH)=$(BIN)/plimsoll

.PHONY: load
load: ## Load run: 1,000 pull requests over 20 installations, 5% of calls go wrong (minutes)
	PLIMSOLL_LOAD=1000 go test ./cmd/plimsoll -run TestLoad -v -timeout 30m

.PHONY: ci
ci: ## Do what CI does
	.ci/run

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(BIN) dist coverage.out
