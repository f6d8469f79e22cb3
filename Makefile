# make demo   a federation of three actors leases a cluster on this machine; needs only Go
# make test   everything a change must pass; installs what the tests need

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)
SEEDS   ?= 2000
KILLS   ?= 200
FUZZ    ?= 10s

# Packages that start goroutines are tested under the race detector, the others
# without: conformance/tidy checks that this list names every one that does.
RACE := ./actors/clock/... ./actors/host/... ./actors/remote/... ./actors/endpoint/... \
	./actors/store/... ./actors/registry/... ./actors/manage/... \
	./cod/site/... ./cod/directory/... ./cod/feed ./cod/dns ./cod/boot ./cod/exports ./handlers/... ./conformance/setup/... ./conformance/scale ./cmd/...

.PHONY: build demo test test-kill test-xen test-boot setup sim sim-bugs bench bench-wire bench-core bench-cod c14n fuzz lint bench-xmlrpc clean

build:
	$(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/leasehold ./cmd/leasehold
	$(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/leasehold-nodeagent ./cmd/leasehold-nodeagent

demo: build
	bin/leasehold demo

test: setup
	$(GO) vet ./...
	$(GO) test -timeout 1h $$($(GO) list ./... | grep -vxF "$$($(GO) list $(RACE))")
	$(GO) test -timeout 1h -race $(RACE)
	$(MAKE) --no-print-directory sim

# SIGKILL at KILLS random moments for each durable store: of the real servers, and
# of a bare writer. make test does the same with fewer.
test-kill: setup
	$(GO) test -count 1 -timeout 2h -v ./cmd/leasehold -run '^TestKill$$' -args -kills $(KILLS)
	$(GO) test -count 1 -timeout 2h -v ./actors/store -run '^TestCrash$$' -args -kills $(KILLS)

# The driver of virtual machines on two real Xen hosts in QEMU: about ten minutes, and
# two more the first time, when it makes their disk. Takes root.
test-xen: setup
	$(GO) test -count 1 -timeout 2h -v ./conformance/xen -run '^TestXen$$' -args -real -table $(CURDIR)/conformance/doc/xen.md

# A machine in QEMU boots its image, its disk and the rescue image, with either loader and
# with UEFI firmware, mounts a volume over NFS with its own kernel, and boots in the middle
# of a site's story while its server is dead: about three minutes. Takes root.
test-boot: setup
	$(GO) test -count 1 -timeout 1h -v ./conformance/site -run '^(TestPXE|TestKernelNFS|TestStory)$$' -args -boots

setup:
	conformance/setup/install.sh

sim: build
	bin/leasehold sim --seeds $(SEEDS)

# Every deliberate bug of the machines is caught within the seeds that are always played;
# make test looks for one of each role.
sim-bugs:
	$(GO) test -count 1 -timeout 1h -v ./conformance/sim -run '^TestDeliberateBugs$$' -args -bugs all

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# The table of the signed wire, into conformance/doc/bench-wire.md; one line per row.
bench-wire:
	@$(GO) test -run '^$$' -bench '^BenchmarkWire$$' -benchtime 1x ./wssec ./conformance/peers | \
	awk -f conformance/doc/bench-wire.awk -v table=conformance/doc/bench-wire.md

# The same for XML-RPC, into conformance/doc/bench-xmlrpc.md.
bench-xmlrpc:
	@$(GO) test -run '^$$' -bench '^BenchmarkXMLRPC$$' -benchtime 1x ./conformance/rpcpeers | \
	awk -f conformance/doc/bench-xmlrpc.awk -v table=conformance/doc/bench-xmlrpc.md

# The paper's scaling experiment, into actors/doc/bench-core.md; one line per row.
bench-core:
	@$(GO) test -run '^$$' -bench '^BenchmarkCore$$' -benchtime 1x -timeout 60m ./conformance/scale -table $(CURDIR)/actors/doc/bench-core.md | \
	{ bad=0; while IFS= read -r line; do \
		case "$$line" in "bench "*) echo "$$line"; continue;; *FAIL*|panic:*) bad=1;; esac; \
		test $$bad = 0 || echo "$$line"; \
	done; exit $$bad; }

# Cluster-on-Demand on real daemons, into cod/doc/bench-cod.md; one line per row.
bench-cod:
	@mkdir -p cod/doc
	@$(GO) test -run '^$$' -bench '^BenchmarkCOD$$' -benchtime 1x -timeout 30m ./conformance/site -table $(CURDIR)/cod/doc/bench-cod.md | \
	{ bad=0; while IFS= read -r line; do \
		case "$$line" in "bench "*) echo "$$line"; continue;; *FAIL*|panic:*) bad=1;; esac; \
		test $$bad = 0 || echo "$$line"; \
	done; exit $$bad; }

# Canonical form against two other implementations, on many random documents.
c14n:
	$(GO) test -count=1 -v -run '^(TestDifferential|TestLibxml2)$$' ./wssec/c14n -documents 100000 -files 1000

# Every fuzz target for a short while.
fuzz:
	@grep -rn --include='*_test.go' '^func Fuzz' . | sed -E 's|^(.*)/[^/]+:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | \
	while read -r dir target; do \
		echo "$$dir $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) -fuzzminimizetime 1s "$$dir" </dev/null || exit 1; \
	done

# golangci-lint must be on the PATH; see .golangci.yml.
lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	golangci-lint run

clean:
	rm -rf bin dist
