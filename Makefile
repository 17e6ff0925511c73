# The verbs of this repository. `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
export CGO_ENABLED := 0
# -E: a health check is answered before the Go runtime begins (package early).
LDFLAGS := -s -w -X github.com/aweigh/aweigh/internal/cli.Version=$(VERSION) \
	-E github.com/aweigh/aweigh/internal/verdict/early.entry

.PHONY: help build run stop test check bench accuracy demo fuzz soak release clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

build: ## build bin/aweigh and bin/aweigh-init, static
	@go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

run: build ## start the example services under aweigh, prove them, leave them serving
	@examples/run

stop: ## stop what `make run` left serving
	@examples/run stop

test: ## install what the tests need (as root, with apt-get), then run all tests
	@test/setup
	@test/run

check: ## format, vet, lint, both architectures
	@test/check

bench: ## measure against tini, tee, curl, a shell script and HEALTHCHECK, and print the ratios
	@test/bench
	@test/bench-watch

accuracy: ## how often `aweigh diagnose` is right, by cause, and what it takes for what
	@go test -count=1 -v -run TestAccuracy ./internal/diagnose -table | grep -v '^=== RUN'

demo: build ## see four starts fail, and what aweigh says (under a minute)
	@examples/demo

fuzz: ## run each fuzz target for 30 seconds
	@test/fuzz

soak: build ## 10,000 short starts: nothing may leak
	@test/soak

release: ## static binaries for linux/amd64 and linux/arm64 in dist/
	@for arch in amd64 arm64; do \
		GOARCH=$$arch go build -trimpath -ldflags '$(LDFLAGS)' -o dist/$$arch/ ./cmd/... || exit 1; done; ls -l dist/*/*

clean: ## remove what was built
	@rm -rf bin dist
