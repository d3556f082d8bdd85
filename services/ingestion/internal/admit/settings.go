package admit

import (
	"errors"
	"fmt"
	"time"
)

// Settings are what a Gate works by.
type Settings struct {
	// Bytes is the most that all requests being served may hold.
	Bytes int64
	// Reserve is the share of Bytes that only tenants within their share may take, above 0 and below 1. It should have
	// room for the largest request.
	Reserve float64
	// Threshold is the utilisation t from which requests are dropped with p = (u − t)/(1 − t), above 0 and below 1.
	Threshold float64
	// Tenants is how many tenants without limits of their own are told apart, at least 1.
	Tenants int
	// Burst is for how long a tenant may save up what its rates bring, above 0. A bucket holds one token at least.
	Burst time.Duration
	// Limits are those of each tenant.
	Limits Limits
	// Random gives numbers in [0,1), to many goroutines at a time.
	Random func() float64
}

// Validate names every setting that is out of its range.
func (s Settings) Validate() error {
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	want(s.Bytes > 0, "bytes: %d, want at least 1", s.Bytes)
	want(s.Reserve > 0 && s.Reserve < 1, "reserve: %v, want above 0 and below 1", s.Reserve)
	want(s.Threshold > 0 && s.Threshold < 1, "threshold: %v, want above 0 and below 1", s.Threshold)
	want(s.Tenants > 0, "tenants: %d, want at least 1", s.Tenants)
	want(s.Burst > 0, "burst: %s, want above 0", s.Burst)
	want(s.Random != nil, "random: none, want a source")
	return errors.Join(append(faults, s.Limits.Validate())...)
}
