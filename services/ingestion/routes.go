package ingestion

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// routes is what the file of ingestion.routes says: pipelines, and the OTLP backends that they may lead to beside our own
// services.
type routes struct {
	Destinations []destination `yaml:"destinations"`
	Pipelines    yaml.Node     `yaml:"pipelines"`

	signals [3]bool // that have pipelines
	text    []byte  // of the pipelines
	names   []string
}

// destination is a set of OTLP backends that stand in for one another.
type destination struct {
	Name         string             `yaml:"name"`
	Endpoints    []endpoint         `yaml:"endpoints"`
	Balance      export.Balance     `yaml:"balance"`
	Concurrency  int                `yaml:"concurrency"`
	Timeout      time.Duration      `yaml:"timeout"`
	Compression  export.Compression `yaml:"compression"`
	TenantHeader string             `yaml:"tenant_header"`
	Join         export.Join        `yaml:"join"`
	// MaxBehindBytes is how far it may fall behind in each log before the oldest is passed over; 0 is half of the log.
	MaxBehindBytes int64 `yaml:"max_behind_bytes"`
	// Split bounds what one request to it has.
	Split split `yaml:"split"`
}

// split is how large a request may be; one that is larger is cut up. With 0 items there is no such bound, 0 bytes are
// defaultSplit.
type split struct {
	Items int `yaml:"items"`
	Bytes int `yaml:"bytes"`
}

const (
	// defaultSplit is what servers of gRPC take by default.
	defaultSplit = 4 << 20
	leastSplit   = 1 << 10
)

func (s split) faults(path string) (faults []error) {
	if s.Items < 0 {
		faults = append(faults, fmt.Errorf("%s.items: %d, want 0 or more", path, s.Items))
	}
	if s.Bytes != 0 && s.Bytes < leastSplit {
		faults = append(faults, fmt.Errorf("%s.bytes: %d, want 0 or at least %d", path, s.Bytes, leastSplit))
	}
	return faults
}

func (s split) bounds() otlp.Bounds {
	return otlp.Bounds{Items: s.Items, Bytes: cmp.Or(s.Bytes, defaultSplit)}
}

// endpoint is one backend.
type endpoint struct {
	URL      string                   `yaml:"url"`
	Priority int                      `yaml:"priority"`
	Headers  map[string]string        `yaml:"headers"`
	Secrets  map[string]export.Secret `yaml:"secrets"`
	TLS      export.TLS               `yaml:"tls"`
}

// readRoutes reads the file, if there is one, with every fault of it.
func readRoutes(cfg Config) (*routes, error) {
	if cfg.Routes == "" {
		return &routes{}, nil
	}
	text, err := os.ReadFile(cfg.Routes)
	if err != nil {
		return nil, fmt.Errorf("read ingestion.routes: %w", err)
	}
	r, err := parseRoutes(text)
	if err != nil {
		return nil, fmt.Errorf("ingestion.routes: %s: %w", cfg.Routes, err)
	}
	return r, nil
}

func parseRoutes(text []byte) (*routes, error) {
	r := &routes{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(r); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var faults []error
	for i, to := range r.Destinations {
		path := fmt.Sprintf("destinations[%d]", i)
		if to.Name == pipeline.Service || slices.Contains(r.names, to.Name) {
			faults = append(faults, fmt.Errorf("%s.name: %q, want one that nobody else has", path, to.Name))
		}
		if to.MaxBehindBytes < 0 {
			faults = append(faults, fmt.Errorf("%s.max_behind_bytes: %d, want 0 or more", path, to.MaxBehindBytes))
		}
		faults = append(faults, to.Split.faults(path+".split")...)
		if err := to.config(otlp.SignalTraces).Validate(); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
		}
		r.names = append(r.names, to.Name)
	}
	var err error
	if r.Pipelines.IsZero() {
		return r, errors.Join(faults...)
	}
	if r.text, err = yaml.Marshal(map[string]*yaml.Node{"pipelines": &r.Pipelines}); err != nil {
		return nil, errors.Join(append(faults, err)...)
	}
	if _, err := pipeline.Load(r.text, r.names); err != nil {
		return nil, errors.Join(append(faults, err)...)
	}
	var of []struct {
		Signal string `yaml:"signal"`
	}
	faults = append(faults, r.Pipelines.Decode(&of))
	for _, p := range of {
		for s := range r.signals {
			r.signals[s] = r.signals[s] || otlp.Signal(s).String() == p.Signal
		}
	}
	return r, errors.Join(faults...)
}

// passage gives the pipelines anew, so that each who runs them counts alone; nil if a signal has none.
func (r *routes) passage(signal otlp.Signal, to string, a *account, now func() time.Time) (*passage, error) {
	if !r.signals[signal] {
		return nil, nil
	}
	set, err := pipeline.Load(r.text, r.names)
	return &passage{signal: signal, set: set, to: to, account: a, now: now}, err
}

// config is how the destination takes a signal.
func (d destination) config(signal otlp.Signal) export.Config {
	c := export.Config{
		Name: d.Name, Signal: signalOf(signal), Balance: d.Balance, Concurrency: d.Concurrency, Timeout: d.Timeout,
		Compression: d.Compression, TenantHeader: d.TenantHeader, Join: d.Join,
	}
	// Nothing is joined to more than it would be split at.
	c.Join.Items, c.Join.Bytes = lesser(c.Join.Items, d.Split.Items), lesser(c.Join.Bytes, d.Split.Bytes)
	for _, e := range d.Endpoints {
		c.Endpoints = append(c.Endpoints, export.Endpoint{URL: e.URL, Priority: e.Priority, Headers: e.Headers, Secrets: e.Secrets, TLS: e.TLS})
	}
	return c
}

// lesser is the lesser of two bounds, of which 0 is none.
func lesser(a, b int) int {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	}
	return min(a, b)
}
