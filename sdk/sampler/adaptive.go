package sampler

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/triflow/triflow/sdk/pressure"
)

// How a ratio moves in one step.
const (
	lower = 0.9
	raise = 1.1
)

// Adaptive is a Consistent sampler whose ratio gives way under pressure, by a factor of 0.9 per interval, and recovers by
// 1.1 towards its target. Each kept span carries the threshold it was kept by, so counts stay right while the ratio
// moves. Use it inside ParentBased. Many goroutines may use it.
type Adaptive struct {
	target, floor float64
	follower      *pressure.Follower
	ratio         float64 // used in steps only, which never overlap
	current       atomic.Pointer[sdktrace.Sampler]
}

// NewAdaptive returns a sampler that keeps the target share of traces, and under pressure of source less, but at least
// floor. It steps at most once per interval, and reports every
// argument that is out of range. The source, such as Processor.Pressure, must not block and be good for many goroutines.
func NewAdaptive(target, floor float64, interval time.Duration, source func() pressure.Reading) (*Adaptive, error) {
	var faults []error
	if !(floor >= minRatio && floor <= target && target <= 1) { // also not NaN
		faults = append(faults, fmt.Errorf("ratios: floor %v and target %v, want 2^-56 <= floor <= target <= 1", floor, target))
	}
	if interval <= 0 {
		faults = append(faults, fmt.Errorf("interval: %s, want more than 0s", interval))
	}
	if source == nil {
		faults = append(faults, errors.New("source: nil, want one"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	a := &Adaptive{target: target, floor: floor, ratio: target, follower: pressure.Follow(source, interval, time.Now)}
	a.set(target)
	return a, nil
}

func (a *Adaptive) set(ratio float64) {
	a.ratio = ratio
	s := Consistent(ratio)
	a.current.Store(&s)
}

// ShouldSample decides by the ratio of the moment.
func (a *Adaptive) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	a.follower.Step(a.step)
	return (*a.current.Load()).ShouldSample(p)
}

func (a *Adaptive) step(v pressure.Verdict) {
	switch v {
	case pressure.GiveWay:
		a.set(max(a.floor, a.ratio*lower))
	case pressure.Recover:
		a.set(min(a.target, a.ratio*raise))
	}
}

// Description names the sampler and its target.
func (a *Adaptive) Description() string { return fmt.Sprintf("Adaptive{%v}", a.target) }
