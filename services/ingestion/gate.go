package ingestion

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/triflow/triflow/pkg/wal"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

// defaultTenant is who sends without a tenant's name.
const defaultTenant = "default"

const (
	// reserve is the share of the memory for requests that is kept for tenants within their share.
	reserve = 0.1
	// burst is for how long a tenant may save up what its rates bring.
	burst = 2 * time.Second
	// watchEvery is how often watch looks.
	watchEvery = 200 * time.Millisecond
)

// openGate makes the gate with the limits of the configured file.
func openGate(cfg Config, deps Deps, bytes int64) (*admit.Gate, error) {
	var limits admit.Limits
	if cfg.Limits != "" {
		text, err := os.ReadFile(cfg.Limits)
		if err != nil {
			return nil, fmt.Errorf("read ingestion.limits: %w", err)
		}
		if limits, err = admit.ParseLimits(text); err != nil {
			return nil, fmt.Errorf("ingestion.limits: %s: %w", cfg.Limits, err)
		}
	}
	return admit.New(admit.Settings{
		Bytes: bytes, Reserve: max(reserve, min(0.5, float64(cfg.MaxBytes)/float64(bytes))), Threshold: cfg.ShedFrom,
		Tenants: cfg.Tenants, Burst: burst, Limits: limits, Random: deps.Rand,
	})
}

// watch tells the gate how full the logs are, and reports what only time shows, until ctx ends.
func (s *Service) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var before [3]wal.MarkStats // by signal
	for {
		for i, st := range s.streams {
			marks := st.log.Marks()
			mark, behind := marks[0], int64(0)
			for _, m := range marks {
				behind = max(behind, m.Bytes) // whoever is last keeps the log from getting empty
			}
			leaving := float64(mark.Released-before[i].Released) * bytesOf(mark) / watchEvery.Seconds()
			before[i] = mark
			size := float64(s.cfg.WALBytes)
			s.gate.SetBacklog(st.signal, min(1, float64(behind)/size), leaving/size)
		}
		for _, st := range s.streams {
			for _, l := range st.links {
				l.catchUp()
			}
		}
		now := s.deps.Now()
		if s.rates.due(now) { // to draw the graph takes long when there are many senders
			_, edges := s.flow()
			s.rates.of(now, edges)
		}
		for _, f := range s.senders.Expire(now) {
			s.faults.Report(now, f)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// bytesOf is how long the records behind a mark are in the mean.
func bytesOf(m wal.MarkStats) float64 {
	if m.Records == 0 {
		return 0
	}
	return float64(m.Bytes) / float64(m.Records)
}

// inFlight is how many bytes requests hold, or may hold, that are being served.
func (s *Service) inFlight() int64 { return s.gate.Held() + s.seats.bytes() }
