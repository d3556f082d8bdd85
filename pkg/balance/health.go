package balance

import "time"

// HealthSettings tell how an endpoint is watched. A zero takes the default.
type HealthSettings struct {
	// Interval between the ends of two probes; 10 s by default.
	Interval time.Duration
	// Timeout of a probe; 5 s by default.
	Timeout time.Duration
	// Unhealthy failures in a row make it unhealthy, 3 by default; Healthy successes make it healthy again, 2 by default.
	Unhealthy, Healthy int
}

// WithDefaults fills in what is zero.
func (s HealthSettings) WithDefaults() HealthSettings {
	if s.Interval <= 0 {
		s.Interval = 10 * time.Second
	}
	if s.Timeout <= 0 {
		s.Timeout = 5 * time.Second
	}
	if s.Unhealthy <= 0 {
		s.Unhealthy = 3
	}
	if s.Healthy <= 0 {
		s.Healthy = 2
	}
	return s
}

// Health is what the probes of one endpoint have shown. The zero value is healthy and to be probed at once: an endpoint
// is believed in until it fails.
type Health struct {
	// Ill is whether it is unhealthy.
	Ill bool
	// Changed is when Ill changed last.
	Changed time.Time
	// Next is when to probe.
	Next time.Time
	// Row counts the latest probes that speak against the state, without a gap.
	Row int
}

// Probed gives the health after a probe that ended at now.
func (h Health) Probed(answered bool, now time.Time, s HealthSettings) Health {
	s = s.WithDefaults()
	h.Next = now.Add(s.Interval)
	if answered != h.Ill {
		h.Row = 0
		return h
	}
	h.Row++
	if h.Ill && h.Row >= s.Healthy || !h.Ill && h.Row >= s.Unhealthy {
		h.Ill, h.Changed, h.Row = !h.Ill, now, 0
	}
	return h
}
