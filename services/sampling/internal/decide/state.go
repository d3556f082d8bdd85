package decide

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/triflow/triflow/pkg/id"
)

// DefaultLimit is how many decisions are remembered before a command says otherwise.
const DefaultLimit = 1_000_000

// State is the replicated state. It is not safe for concurrent use while it changes.
type State struct {
	policies Policies
	table    table
	batch    []slot // the batch being applied, kept for its memory
	places   []Cause
}

// New makes the state before the first command. The seed should be secret and may differ between replicas: it only
// orders the index in memory.
func New(seed uint64) *State {
	return &State{table: newTable(seed, DefaultLimit)}
}

// Apply carries out a command that was agreed in the given term. An error means that the command cannot be read; then
// nothing has changed. It keeps nothing of the command's memory.
func (s *State) Apply(term uint64, command []byte) (Result, error) {
	if len(command) < 2 {
		return Result{}, fmt.Errorf("apply command: %w", errShort)
	}
	if command[0] != commandVersion {
		return Result{}, fmt.Errorf("apply command: version %d, want %d", command[0], commandVersion)
	}
	r := &reader{rest: command[2:]}
	var result Result
	switch command[1] {
	case kindBatch:
		result = s.applyBatch(term, r)
	case kindPolicies:
		result = s.applyPolicies(r)
	case kindLimit:
		s.applyLimit(r)
	default:
		return Result{}, fmt.Errorf("apply command: kind %d, want 1 to %d", command[1], kindLimit)
	}
	if r.err != nil {
		return Result{}, fmt.Errorf("apply command of kind %d: %w", command[1], r.err)
	}
	return result, nil
}

// Get looks a decision up.
func (s *State) Get(trace id.Trace) (Decision, bool) {
	found := s.table.find(trace)
	if found == nil {
		return Decision{}, false
	}
	return s.table.decision(found), true
}

// Policies gives the set in force.
func (s *State) Policies() Policies { return s.policies }

// Len is how many decisions are remembered.
func (s *State) Len() int { return len(s.table.slots) }

// Limit is how many decisions may be remembered.
func (s *State) Limit() int { return s.table.limit }

// SizeBytes is the memory that the decisions take.
func (s *State) SizeBytes() int { return s.table.sizeBytes() }

// applyBatch reads the whole batch before it changes anything.
func (s *State) applyBatch(term uint64, r *reader) Result {
	nanos := r.varint()
	s.places = s.places[:0]
	for range r.count(3) {
		s.places = append(s.places, Cause{Policy: r.text(), Reason: r.text(), Epoch: r.uvarint(), Term: term})
	}
	s.batch = s.batch[:0]
	for range r.count(25) {
		e := slot{nanos: nanos}
		copy(e.trace[:], r.bytes(16))
		if b := r.bytes(8); b != nil {
			e.bits = binary.BigEndian.Uint64(b)
		}
		at := r.uvarint()
		if at >= uint64(len(s.places)) {
			r.fail(fmt.Errorf("cause %d, want one of %d", at, len(s.places)))
			break
		}
		e.cause = uint32(at)
		s.batch = append(s.batch, e)
	}
	if r.end(); r.err != nil {
		return Result{}
	}
	answers := make([]Answer, len(s.batch))
	for i, e := range s.batch {
		found := s.table.find(e.trace)
		if answers[i].Fresh = found == nil; found == nil {
			found = s.table.insert(e, s.places[e.cause])
		}
		answers[i].Decision = s.table.decision(found)
	}
	return Result{Answers: answers}
}

func (s *State) applyPolicies(r *reader) Result {
	nanos, etag, set := r.varint(), r.text(), []byte(r.text())
	if r.end(); r.err != nil {
		return Result{}
	}
	if etag != s.policies.Etag {
		return Result{Policies: s.policies, Stale: true}
	}
	epoch := s.policies.Epoch + 1
	s.policies = Policies{
		Epoch: epoch,
		// The sum tells sets apart that have the same epoch in different lives of a cluster.
		Etag: fmt.Sprintf("%d-%08x", epoch, crc32.Checksum(set, castagnoli())),
		Time: time.Unix(0, nanos).UTC(),
		Set:  set,
	}
	return Result{Policies: s.policies}
}

func (s *State) applyLimit(r *reader) {
	limit := r.uvarint()
	if limit < 1 || limit > MaxLimit {
		r.fail(errors.New("limit outside 1 to 2^30"))
	}
	if r.end(); r.err == nil && int(limit) != s.table.limit {
		s.table.resize(int(limit))
	}
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
