# Short names for what scripts/ does; the logic is there.
.PHONY: help demo demo-down test test-vm bench crash soak idle fuzz conformance editor schema lint fmt

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## six example workspaces on this machine's Podman
	@scripts/demo

demo-down: ## remove the demo's objects, by label
	@scripts/demo down

test: ## formatting, lints and every test, real Podman included
	@scripts/test

test-vm: ## the tests that need a real machine, on Debian 13 in QEMU, rootful and rootless
	@scripts/test-vm

bench: ## 50 workspaces beside the raw API's floor
	@scripts/bench

crash: ## an apply killed at 200 random moments
	@scripts/long-tests crash

soak: ## the daemon through 500 commits and much interference, and the property tests with many more cases
	@scripts/long-tests soak

idle: ## what the daemon costs in an hour in which nothing happens
	@scripts/long-tests idle

fuzz: ## each reader under libFuzzer for ten minutes
	@scripts/fuzz

conformance: ## the devfile corpus
	@scripts/conformance

editor: ## schemas in an editor, SARIF beside its schema
	@scripts/editor

schema: ## write schema/ from the types
	@scripts/schema

lint: ## clippy, cargo-deny and shellcheck
	@scripts/lint

fmt: ## format the Rust code
	@cargo fmt
