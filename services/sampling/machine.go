package sampling

import (
	"fmt"
	"hash/maphash"
	"io"
	"sync"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
	"github.com/triflow/triflow/services/sampling/internal/decide"
	"github.com/triflow/triflow/services/sampling/internal/policy"
)

// machine is the replicated state as Raft drives it, a raft.FSM, and as the RPCs read it.
type machine struct {
	seed uint64

	mu    sync.RWMutex // guards all below
	state *decide.State
	rules rules
}

// rules is a policy set made ready. It does not change.
type rules struct {
	message *samplingv1.PolicySet // nil before the first set
	set     *policy.Set
	epoch   uint64
}

// applied is what Raft hands from the machine to who proposed.
type applied struct {
	decide.Result
	err error
}

func newMachine() *machine {
	seed := maphash.Bytes(maphash.MakeSeed(), nil)
	return &machine{seed: seed, state: decide.New(seed), rules: rules{set: &policy.Set{}}}
}

// Apply carries out an entry. What cannot be read changes nothing, here as on every voter.
func (m *machine) Apply(entry *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	result, err := m.state.Apply(entry.Term, entry.Data)
	if err != nil {
		return applied{err: fmt.Errorf("entry %d of term %d: %w", entry.Index, entry.Term, err)}
	}
	if now := m.state.Policies(); now.Epoch != m.rules.epoch {
		r, err := newRules(now)
		if err != nil {
			return applied{err: err}
		}
		m.rules = r
	}
	return applied{Result: result}
}

// Snapshot copies the state, 40 bytes a decision, so that Persist need not hold anybody up.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return snapshot{m.state.Snapshot()}, nil
}

// Restore replaces the state by that of a snapshot, or leaves it if the snapshot is damaged.
func (m *machine) Restore(from io.ReadCloser) error {
	defer func() { _ = from.Close() }() // it was only read
	state, err := decide.Restore(from, m.seed)
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	r, err := newRules(state.Policies())
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state, m.rules = state, r
	return nil
}

// find gives what is decided of the traces, in their order; a missing one is zero.
func (m *machine) find(traces []id.Trace) (found []decide.Decision, missing int) {
	found = make([]decide.Decision, len(traces))
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i, t := range traces {
		d, ok := m.state.Get(t)
		if !ok {
			missing++
		}
		found[i] = d
	}
	return found, missing
}

func (m *machine) rulesNow() rules {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.rules
}

func (m *machine) size() (decisions, limit int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.Len(), m.state.Limit()
}

func newRules(p decide.Policies) (rules, error) {
	if p.Epoch == 0 {
		return rules{set: &policy.Set{}}, nil
	}
	m := &samplingv1.PolicySet{}
	if err := proto.Unmarshal(p.Set, m); err != nil {
		return rules{}, fmt.Errorf("policy set of epoch %d: %w", p.Epoch, err)
	}
	m.Epoch, m.Etag, m.UpdateTime = p.Epoch, p.Etag, timestamppb.New(p.Time)
	m.AttributeKeys = policy.AttributeKeys(m)
	return rules{message: m, set: policy.Compile(m), epoch: p.Epoch}, nil
}

// encodeSet gives the bytes of a set without its output-only fields.
func encodeSet(m *samplingv1.PolicySet) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(&samplingv1.PolicySet{Policies: m.GetPolicies()})
}

// snapshot writes a copy of the state to where Raft keeps it.
type snapshot struct{ state *decide.Snapshot }

func (s snapshot) Persist(to raft.SnapshotSink) error {
	if _, err := s.state.WriteTo(to); err != nil {
		_ = to.Cancel() // the first error tells more
		return fmt.Errorf("write snapshot %s: %w", to.ID(), err)
	}
	return to.Close()
}

func (snapshot) Release() {}
