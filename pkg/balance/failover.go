package balance

import "slices"

// Member is an endpoint as failover sees it.
type Member struct {
	// Priority 0 is tried first.
	Priority int
	// Healthy is what its probes say.
	Healthy bool
	// Ready tells that a call may be made now: no breaker and no throttle is against it.
	Ready bool
}

// Candidates appends to dst the endpoints that a call may go to, rising: of the healthy and ready ones those of the
// first priority. Unhealthy ones count only while none is healthy, since a probe may be wrong, and to try is then all
// that is left. It appends none if there is none.
func Candidates(dst []int, members []Member) []int {
	healthy := slices.ContainsFunc(members, func(m Member) bool { return m.Healthy })
	first, found := 0, len(dst)
	for i, m := range members {
		if !m.Ready || m.Healthy != healthy {
			continue
		}
		switch {
		case len(dst) == found || m.Priority < first:
			dst, first = append(dst[:found], i), m.Priority
		case m.Priority == first:
			dst = append(dst, i)
		}
	}
	return dst
}

// Round bounds how often a batch is tried before its sender has to wait. Every endpoint is tried at most once in a
// round. The zero value is a round that has not begun.
type Round struct{ failed []int }

// Failed takes endpoint out of the round. It is false when the round is over, after limit attempts.
func (r *Round) Failed(endpoint, limit int) bool {
	r.failed = append(r.failed, endpoint)
	return len(r.failed) < limit
}

// Tried tells whether endpoint has failed in this round.
func (r *Round) Tried(endpoint int) bool { return slices.Contains(r.failed, endpoint) }

// Reset begins a new round.
func (r *Round) Reset() { r.failed = r.failed[:0] }
