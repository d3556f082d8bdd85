package fault

import (
	"container/list"
	"strings"
	"sync"
	"time"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// The kinds of fault; the set is closed.
const (
	Unreachable   = "unreachable"
	Gap           = "gap"
	Duplicate     = "duplicate"
	Reordering    = "reordering"
	Slow          = "slow"
	Validation    = "validation"
	Digest        = "digest"
	Refused       = "refused"
	Contradiction = "contradiction"
)

// Bounds of the texts of a finding, in bytes.
const (
	MaxSubject = 256
	MaxText    = 1024
)

// Finding is what a detector found once.
type Finding struct {
	Class ingestionv1.FaultClass
	// Kind is one of the constants.
	Kind string
	// Subject is the sender, destination or collector that it is about.
	Subject string
	// Signal is unspecified if it is about no signal.
	Signal handoffv1.Signal
	// Items that it cost.
	Items uint64
	// Text tells it to a person.
	Text string
}

// Fault is a finding and all the earlier ones of the same class, kind, subject and signal.
type Fault struct {
	// Finding is the latest one; its Items are the sum of all.
	Finding
	First, Last time.Time
	// Count of the findings.
	Count uint64

	rank uint64 // rises with every report: the order of the list
}

// OnReport hears of every finding. first tells that no such fault was remembered: it is worth a line in the log, where
// the repetitions are only counted. It is called by whoever reports, and must not wait.
type OnReport func(f Finding, first bool)

// Registry holds the latest faults.
type Registry struct {
	faults   int
	onReport OnReport

	mu        sync.Mutex // guards all below
	known     map[identity]*list.Element
	recent    *list.List // of *Fault, the latest first
	reports   uint64
	forgotten uint64
}

type identity struct {
	class         ingestionv1.FaultClass
	signal        handoffv1.Signal
	kind, subject string
}

// NewRegistry makes a registry of at most as many faults, at least 1. onReport may be nil.
func NewRegistry(faults int, onReport OnReport) *Registry {
	return &Registry{faults: faults, onReport: onReport, known: map[identity]*list.Element{}, recent: list.New()}
}

// Report notes that f was found now.
func (r *Registry) Report(now time.Time, f Finding) {
	f.Kind = clip(f.Kind, MaxSubject)
	f.Subject = clip(f.Subject, MaxSubject)
	f.Text = clip(f.Text, MaxText)
	first := r.note(now, f)
	if r.onReport != nil {
		r.onReport(f, first)
	}
}

func (r *Registry) note(now time.Time, f Finding) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports++
	key := identity{f.Class, f.Signal, f.Kind, f.Subject}
	e, ok := r.known[key]
	if !ok {
		if len(r.known) >= r.faults {
			r.forgetOldest()
		}
		r.known[key] = r.recent.PushFront(&Fault{Finding: f, First: now, Last: now, Count: 1, rank: r.reports})
		return true
	}
	r.recent.MoveToFront(e)
	known := e.Value.(*Fault)
	f.Items += known.Items
	known.Finding = f
	known.Count++
	known.rank = r.reports
	if now.After(known.Last) { // a clock that was set back changes nothing
		known.Last = now
	}
	return false
}

func (r *Registry) forgetOldest() {
	f := r.recent.Remove(r.recent.Back()).(*Fault)
	delete(r.known, identity{f.Class, f.Signal, f.Kind, f.Subject})
	r.forgotten++
}

// Forgotten counts the faults that had to go because there were too many.
func (r *Registry) Forgotten() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forgotten
}

// clip cuts s to n bytes of whole characters, and keeps nothing of what is beyond.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.Clone(s[:n])
	}
	return strings.ToValidUTF8(s, "")
}
