# courtsense: `make help` lists what can be done here.

# gocv builds only the OpenCV modules that are used, and its wrapper of the rest does not compile against OpenCV 4.6.
TAGS            := gocv_specific_modules,gocv_videoio
export GOFLAGS  := $(strip $(GOFLAGS) -tags=$(TAGS))
# scripts/install writes opencv4.pc here where the distribution ships none.
export PKG_CONFIG_PATH := $(CURDIR)/build/pkgconfig:$(PKG_CONFIG_PATH)

VERSION         := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BIN             := bin/courtsense
GOLANGCI_LINT   := build/tools/golangci-lint-v2.1.6
RACE_PACKAGES   := ./pipeline ./pipeline/onnx ./models/... ./speech ./speech/acoustic ./speech/decode ./speech/vad ./ocr/pdf ./vision/camera ./vision/gallery/... ./vision/gate/... ./internal/...
FUZZTIME        ?= 10s
PACKAGES        ?= ./...

.PHONY: demo test build serve bench eval lint vet fmt race fuzz proto readme deps clean help
.DEFAULT_GOAL := help

demo: build ## start the server, call it on the samples, write annotated pictures to out/
	@$(BIN) demo --out out

test: ## install what is missing, then run all tests
	@scripts/install --tests
	@go test -timeout 30m $(PACKAGES)

build: deps ## build bin/courtsense
	@mkdir -p bin
	@go build -ldflags "-X github.com/courtsense/courtsense/internal/version.version=$(VERSION)" -o $(BIN) ./cmd/courtsense
	@echo "built $(BIN) $(VERSION)"

serve: build ## run the server with deploy/courtsense.yaml
	@exec $(BIN) serve --config deploy/courtsense.yaml

bench: build ## measure the engine against a bare ONNX Runtime loop, then run the Go benchmarks of the other packages
	@$(BIN) bench
	@go test -run '^$$' -bench . -benchtime 200ms $$(go list $(PACKAGES) | grep -v /benchmarks$$)

eval: build ## measure accuracy on the samples (DIR=folder for your own pages)
	@$(BIN) eval ocr $(or $(DIR),testdata/documents)

vet: deps ## go vet
	@go vet $(PACKAGES)

lint: deps $(GOLANGCI_LINT) ## golangci-lint with .golangci.yml, and shell syntax
	@$(GOLANGCI_LINT) run $(PACKAGES)
	@for f in scripts/* .ci/run; do case $$(head -1 $$f) in *bash*|*sh) bash -n $$f || exit 1;; esac; done

# Built from source with the Go of this machine, so that it can read this Go's export data.
$(GOLANGCI_LINT):
	@echo "building golangci-lint (once; minutes)"
	@mkdir -p $(@D)
	@GOFLAGS= GOBIN=$(CURDIR)/build/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.1.6
	@mv build/tools/golangci-lint $@

race: deps ## tests of the concurrent packages under the race detector
	@go test -race -short -timeout 30m $(RACE_PACKAGES)

fuzz: deps ## fuzz every target for FUZZTIME (10s)
	@scripts/fuzz $(FUZZTIME)

fmt: ## format the Go sources
	@gofmt -w $$(git ls-files '*.go' | grep -v '\.pb\.')

proto: ## regenerate api/ from the .proto files, then lint them and look for breaking changes
	@scripts/proto
	@scripts/proto --check

readme: build ## run the commands that README.md shows
	@scripts/check-readme

deps: ## install system packages and the ONNX Runtime library that are missing
	@scripts/install

clean: ## remove what was built (not the downloaded ONNX Runtime library, nor the models)
	@rm -rf bin build out

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10
