package admit

import (
	"fmt"
	"slices"
	"time"

	"github.com/triflow/triflow/pkg/otlp"
)

// Reason says why something is refused. The set is closed: that of RefusedCount in the contract.
type Reason uint8

// The reasons that the gate itself refuses for. ReasonOf knows those of others.
const (
	Admitted Reason = iota
	Malformed
	Rate
	Overload
)

// words has the word for each reason, Admitted's for people only.
var words = [...]string{
	"admitted", "malformed", "rate", "overload",
	"too_large", "unsupported", "full", "draining", "not_stored", "deadline", "canceled",
	"trace_id", "span_id", "parent_id", "utf8", "depth", "count", "buckets", "value", "time",
}

// String gives the word for r.
func (r Reason) String() string { return words[r] }

// ReasonOf gives the reason that a word stands for.
func ReasonOf(word string) (Reason, bool) {
	i := slices.Index(words[1:], word)
	return Reason(i + 1), i >= 0
}

// limit is what a request came up against.
type limit uint8

const (
	noLimit limit = iota
	nameLimit
	requestLimit
	itemLimit
	byteLimit
	roomLimit
	shareLimit
	logLimit
	ended
)

// Verdict is the answer on a request, or on more of it. It is made without formatting anything, so that to refuse is
// cheap; String tells a person.
type Verdict struct {
	Reason Reason
	// Wait is what to tell the client before it comes again, spread so that clients do not come together; 0 for a
	// request that must not come again.
	Wait time.Duration
	// Tenant is whom it is accounted to.
	Tenant string

	limit    limit
	signal   otlp.Signal
	came, of float64 // what came, and the limit
}

// Refused says whether to stop here.
func (v Verdict) Refused() bool { return v.Reason != Admitted }

// String names the tenant, what came and the limit.
func (v Verdict) String() string {
	var what string
	switch v.limit {
	case nameLimit:
		return fmt.Sprintf("tenant: %d bytes %.64q, want %s", int(v.came), v.Tenant, wantName)
	case requestLimit:
		what = fmt.Sprintf("one request more, want at most %g requests per second", v.of)
	case itemLimit:
		what = fmt.Sprintf("%.0f items more, want at most %g items per second", v.came, v.of)
	case byteLimit:
		what = fmt.Sprintf("%.0f bytes more, want at most %g bytes per second", v.came, v.of)
	case roomLimit:
		what = fmt.Sprintf("requests in flight of all tenants would hold %.0f bytes, want at most %.0f", v.came, v.of)
	case shareLimit:
		what = fmt.Sprintf("its requests in flight would hold %.0f bytes, want at most %.0f while others need room", v.came, v.of)
	case logLimit:
		what = fmt.Sprintf("log of %s is %.0f %% full, want at most %.0f %%", v.signal, 100*v.came, 100*v.of)
	case ended:
		what = "request has ended"
	default:
		return words[v.Reason]
	}
	return fmt.Sprintf("tenant %s: %s; come again in %s", v.Tenant, what, v.Wait.Round(time.Millisecond))
}

const (
	minWait = 100 * time.Millisecond
	maxWait = 30 * time.Second
	// unknownWait is told while nothing has drained that an estimate could be made from.
	unknownWait = time.Second
	// spread is how much longer than needed a client may be told to wait.
	spread = 0.5
)

// drainWait is how long excess takes to drain at a rate per second, at least minWait and with its spread at most maxWait.
func drainWait(excess, rate float64) time.Duration {
	if !(rate > 0) {
		return unknownWait
	}
	const most = float64(maxWait) / (1 + spread)
	return time.Duration(min(max(excess/rate*float64(time.Second), float64(minWait)), most))
}

// spreadOut adds up to half of wait, by luck in [0,1).
func spreadOut(wait time.Duration, luck float64) time.Duration {
	longer := wait + time.Duration(spread*luck*float64(wait))
	return max(wait, longer) // the sum may overflow
}
