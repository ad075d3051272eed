# `make run` opens the app, `make test` runs the tests; both install what is missing first. `make help` lists the rest.
.PHONY: help setup setup-run setup-test run test lint doc sim studies nat-lab idle interop smoke nightly bench fuzz deny size purity ci

CARGO ?= cargo
export PATH := $(PATH):$(HOME)/.cargo/bin

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

setup: setup-test ## install what building, running and testing need

setup-run:
	@tools/setup.sh run

setup-test:
	@tools/setup.sh test

run: setup-run ## open the app
	$(CARGO) run --locked --release -p kith-gui --bin kith

test: setup-test ## all tests
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --locked --workspace; \
	else \
		$(CARGO) test --locked --workspace --lib --bins --tests; \
	fi

lint: ## formatting and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

doc: ## the documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

sim: ## 200 seeds of simulation, and 100 with everything that can go wrong at once
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/two-people.toml --seeds 200
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/everything.toml --seeds 100
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/everything.toml --seeds 1 --first-seed 321
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/mailboxes.toml --seeds 30
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/dark-times.toml
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/groups.toml --seeds 12
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/group-fights.toml --seeds 12
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/group-old-disks.toml --seeds 8
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/group-gossip.toml --seeds 1
	$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/calls.toml --seeds 60

STUDIES := availability delay load nat hostile group-fifty group-newcomer group-thousand

studies: ## the tables of simulations/README.md, some minutes
	@for study in $(STUDIES); do \
		$(CARGO) run --locked -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/$$study.toml || exit 1; \
	done

nat-lab: ## the real programs behind two routers: hole punching, relays, moving; needs root, says so where it cannot run
	tools/nat-lab.sh

idle: ## bytes a second of a device that only waits, with a friend and three mailboxes; like nat-lab
	$(CARGO) build --locked -p kith-node -p kith-bootstrap
	python3 tools/idle.py --bin "$${CARGO_TARGET_DIR:-target}/debug" --table

interop: ## js-libp2p (and Chromium) and go-libp2p against a community node: identify, ping, Kademlia; fetches them once, pinned
	$(CARGO) build --locked -p kith-node -p kith-bootstrap
	tools/interop.sh

smoke: ## the real programs over loopback: messages, kill -9, an absent friend, a bootstrap node
	$(CARGO) build --locked -p kith-node -p kith-bootstrap -p kith-gui -p kith-simulations
	tools/smoke.sh

nightly: ## what takes too long for each change: 1,000 messages in 20 schedules of killed mailboxes, all routers, idle bytes, other libp2ps, studies
	NO_SKIPS=1 MAIL=1000 ROUNDS=20 $(MAKE) smoke
	NO_SKIPS=1 tools/nat-lab.sh
	NO_SKIPS=1 $(MAKE) idle interop studies

bench: ## the figures of the README, each beside its floor
	$(CARGO) bench --locked -p kith-crypto --bench session
	$(CARGO) bench --locked -p kith-engine --bench groups
	$(CARGO) bench --locked -p kith-store --bench commit
	$(CARGO) bench --locked -p kith-mailbox --bench deposits
	$(CARGO) bench --locked -p kith-bootstrap --bench mailbox
	$(CARGO) bench --locked -p kith-node --bench whole
	$(CARGO) bench --locked -p kith-gui --bench frames
	$(CARGO) run --locked --release -q -p kith-simulations --bin kith-sim -- run simulations/scenarios/thousand.toml

# How long each fuzzer runs.
SECONDS_EACH ?= 60

fuzz: ## a minute for each fuzzer (needs a nightly Rust and cargo-fuzz)
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo "Install it first: cargo install --locked cargo-fuzz"; exit 1; }
	@for crate in proto crypto engine mailbox media net; do for target in $$(cd crates/$$crate && $(CARGO) +nightly fuzz list); do \
		(cd crates/$$crate && $(CARGO) +nightly fuzz run $$target -- -max_total_time=$(SECONDS_EACH)) || exit 1; \
	done; done

deny: ## licences, advisories, duplicates (needs cargo-deny)
	$(CARGO) deny check

size: ## no file grows too long
	tools/check-size.sh

purity: ## what the pure crates may use
	tools/check-purity.sh

ci: ## what must pass before anything lands
	.ci/run
