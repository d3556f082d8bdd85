package ingestion

import (
	"errors"
	"fmt"
	"strings"

	"github.com/triflow/triflow/pkg/wal"
)

// Config says where the service listens and how much it takes.
type Config struct {
	Name           string   `name:"name" default:"ingestion" help:"Name of this sender, the same over restarts, 1 to 100 bytes."`
	GRPC           string   `name:"grpc" default:"127.0.0.1:4317" help:"Address for OTLP over gRPC."`
	HTTP           string   `name:"http" default:"127.0.0.1:4318" help:"Address for OTLP over HTTP."`
	MaxBytes       int      `name:"max-bytes" default:"16777216" help:"Most bytes of a request, unpacked. 1024 to 33554432."`
	InFlightBytes  int64    `name:"in-flight-bytes" default:"268435456" help:"Most bytes of all requests that are being served. At least twice max-bytes."`
	WALBytes       int64    `name:"wal-bytes" default:"4294967296" help:"Most bytes of one log on disk; there is one a signal. At least two segments."`
	Durability     string   `name:"durability" default:"always" enum:"always,interval,none" help:"When a request is acknowledged: always after it is synced to disk, interval when it is written and synced within a second, none when it is written."`
	HandoffBytes   int64    `name:"handoff-bytes" default:"268435456" help:"Most bytes of one signal that its receiver holds undone, in the memory of its process; at least what comes in the time that a trace takes to be decided. At least max-bytes."`
	SegmentBytes   int64    `name:"segment-bytes" default:"67108864" help:"Size of a file of a log. At least max-bytes and 4096 more."`
	TenantHeader   string   `name:"tenant-header" default:"x-scope-orgid" help:"Header that names the tenant of a request; without it the tenant is called default."`
	Limits         string   `name:"limits" help:"File with the limits of each tenant, in YAML or JSON; no limits by default." type:"path"`
	Tenants        int      `name:"tenants" default:"1000" help:"Most tenants without limits of their own that are told apart; those beyond are accounted under other. 1 to 100000."`
	ShedFrom       float64  `name:"shed-from" default:"0.8" help:"Share of the memory for requests, or of a log, from which requests are dropped by chance, 0.1 to 0.99."`
	Routes         string   `name:"routes" help:"File with pipelines and the OTLP backends that they lead to, in YAML; none by default." type:"path"`
	WitnessPeers   string   `name:"witness-peers" help:"File with the collectors that compare receipts of what they took in, in YAML; none by default." type:"path"`
	WitnessKey     string   `name:"witness-key" help:"File with the key that signs the receipts, made if it is not there; witness.key in the folder of the service by default." type:"path"`
	WitnessBatches int      `name:"witness-batches" default:"20000" help:"Batches remembered of each collector that compares receipts, the latest ones. 1000 to 1000000."`
	CORSOrigins    []string `name:"cors-origins" help:"Origins whose pages may send over HTTP, as https://shop.example, with at most one * each; none by default."`
}

// Validate names every value that is out of its range.
func (c Config) Validate() error {
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("ingestion."+format, args...))
		}
	}
	want(len(c.Name) >= 1 && len(c.Name) <= 100, "name: %d bytes, want 1 to 100", len(c.Name))
	want(c.GRPC != "", "grpc: empty, want an address")
	want(c.HTTP != "", "http: empty, want an address")
	want(c.MaxBytes >= 1024 && c.MaxBytes <= 32<<20, "max_bytes: %d, want 1024 to %d", c.MaxBytes, 32<<20)
	want(c.InFlightBytes >= 2*int64(c.MaxBytes), "in_flight_bytes: %d, want at least %d", c.InFlightBytes, 2*c.MaxBytes)
	want(c.SegmentBytes >= int64(c.MaxBytes)+4096, "segment_bytes: %d, want at least %d", c.SegmentBytes, c.MaxBytes+4096)
	want(c.TenantHeader != "", "tenant_header: empty, want the name of a header")
	want(c.Tenants >= 1 && c.Tenants <= 100_000, "tenants: %d, want 1 to 100000", c.Tenants)
	want(c.ShedFrom >= 0.1 && c.ShedFrom <= 0.99, "shed_from: %v, want 0.1 to 0.99", c.ShedFrom)
	want(c.WitnessBatches >= 1000 && c.WitnessBatches <= 1_000_000, "witness_batches: %d, want 1000 to 1000000", c.WitnessBatches)
	var durability wal.Sync
	err := durability.UnmarshalText([]byte(c.Durability))
	want(err == nil, "durability: %q, want always, interval or none", c.Durability)
	for i, o := range c.CORSOrigins {
		want(strings.Count(o, "*") <= 1 && o != "", "cors_origins[%d]: %q, want an origin with at most one *", i, o)
	}
	want(c.HandoffBytes >= int64(c.MaxBytes), "handoff_bytes: %d, want at least %d", c.HandoffBytes, c.MaxBytes)
	want(c.WALBytes >= 2*c.SegmentBytes, "wal_bytes: %d, want at least %d", c.WALBytes, 2*c.SegmentBytes)
	return errors.Join(faults...)
}

// sync is the policy of the logs; the config is valid.
func (c Config) sync() (policy wal.Sync) {
	_ = policy.UnmarshalText([]byte(c.Durability))
	return policy
}
