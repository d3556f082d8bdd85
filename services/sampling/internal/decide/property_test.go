package decide_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/threshold"
	"github.com/triflow/triflow/services/sampling/internal/decide"
)

// few traces make repeats and evictions likely.
func proposals() *rapid.Generator[[]decide.Proposal] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) decide.Proposal {
		var trace id.Trace
		binary.BigEndian.PutUint64(trace[8:], rapid.Uint64Range(1, 40).Draw(t, "trace"))
		p := decide.Proposal{
			Trace:  trace,
			Reason: rapid.SampledFrom([]string{"slow", "error", "none"}).Draw(t, "reason"),
			Epoch:  rapid.Uint64Range(1, 3).Draw(t, "epoch"),
		}
		if rapid.Bool().Draw(t, "matched") {
			p.Matched, p.Keep = true, rapid.Bool().Draw(t, "keep")
			p.Policy = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "policy")
			p.Threshold = threshold.Threshold(rapid.Uint64Range(0, 1<<56-1).Draw(t, "threshold"))
		}
		return p
	}), 0, 30)
}

func snapshot(t require.TestingT, s *decide.State) []byte {
	var out bytes.Buffer
	_, err := s.Snapshot().WriteTo(&out)
	require.NoError(t, err)
	return out.Bytes()
}

// model is the state machine at its plainest: a list, oldest first.
type model struct {
	limit int
	taken []decide.Proposal
}

func (m *model) find(trace id.Trace) (decide.Proposal, bool) {
	for _, p := range m.taken {
		if p.Trace == trace {
			return p, true
		}
	}
	return decide.Proposal{}, false
}

func (m *model) forget() { m.taken = m.taken[max(0, len(m.taken)-m.limit):] }

func requireSame(t require.TestingT, want decide.Proposal, got decide.Decision) {
	cause := got.Cause
	require.Equal(t, want, decide.Proposal{
		Trace: got.Trace, Keep: got.Keep, Matched: got.Matched, Threshold: got.Threshold,
		Policy: cause.Policy, Reason: cause.Reason, Epoch: cause.Epoch,
	})
}

func TestFirstDecisionWinsAsInThePlainModelAndSnapshotsAreEqualByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left, right := decide.New(1), decide.New(2)
		m := &model{limit: decide.DefaultLimit}
		for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
			now := time.Unix(int64(step), 5)
			if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
				m.limit = rapid.IntRange(1, 30).Draw(t, "limit")
				m.forget()
				for _, s := range []*decide.State{left, right} {
					_, err := s.Apply(7, decide.EncodeLimit(m.limit))
					require.NoError(t, err)
				}
				continue
			}
			batch := proposals().Draw(t, "batch")
			result, err := left.Apply(7, decide.EncodeBatch(now, batch))
			require.NoError(t, err)
			require.Len(t, result.Answers, len(batch))
			for i, p := range batch {
				// The right replica gets the same proposals one by one.
				_, err := right.Apply(7, decide.EncodeBatch(now, batch[i:i+1]))
				require.NoError(t, err)
				want, known := m.find(p.Trace)
				if !known {
					want, m.taken = p, append(m.taken, p)
					m.forget()
				}
				require.Equal(t, !known, result.Answers[i].Fresh)
				requireSame(t, want, result.Answers[i].Decision)
			}
			require.Equal(t, len(m.taken), left.Len())
			bytesLeft := snapshot(t, left)
			require.Equal(t, bytesLeft, snapshot(t, right))
			right, err = decide.Restore(bytes.NewReader(bytesLeft), 3)
			require.NoError(t, err)
		}
		for _, p := range m.taken {
			got, ok := right.Get(p.Trace)
			require.True(t, ok)
			requireSame(t, p, got)
		}
	})
}

func TestPoliciesAreReplacedOnlyByWhoNamesTheCurrentEtag(t *testing.T) {
	s := decide.New(1)
	first, err := s.Apply(1, decide.EncodePolicies(time.Unix(1, 0), "", []byte("one")))
	require.NoError(t, err)
	require.False(t, first.Stale)
	late, err := s.Apply(1, decide.EncodePolicies(time.Unix(2, 0), "", []byte("two")))
	require.NoError(t, err)
	require.True(t, late.Stale)
	require.Equal(t, first.Policies, s.Policies())
	next, err := s.Apply(1, decide.EncodePolicies(time.Unix(3, 0), first.Policies.Etag, []byte("two")))
	require.NoError(t, err)
	require.Equal(t, uint64(2), next.Policies.Epoch)
}

func TestCommandThatCannotBeReadOrRestoredLaterChangesNothing(t *testing.T) {
	s := decide.New(1)
	before := snapshot(t, s)
	whole := decide.EncodeBatch(time.Unix(1, 0), []decide.Proposal{{Trace: id.Trace{1}, Reason: "none", Epoch: 1}})
	for n := range whole {
		_, err := s.Apply(1, whole[:n])
		require.Error(t, err)
	}
	_, err := s.Apply(1, decide.EncodePolicies(time.Unix(1, 0), "", make([]byte, 1<<20+1)))
	require.ErrorContains(t, err, "1048577 bytes, want at most 1048576")
	require.Equal(t, before, snapshot(t, s))
}

func TestDamagedSnapshotIsRefused(t *testing.T) {
	s := decide.New(1)
	_, err := s.Apply(1, decide.EncodeBatch(time.Unix(1, 0), []decide.Proposal{{Trace: id.Trace{1}, Reason: "none", Epoch: 1}}))
	require.NoError(t, err)
	whole := snapshot(t, s)
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		_, err := decide.Restore(bytes.NewReader(damaged), 1)
		require.Error(t, err, "byte %d", i)
		_, err = decide.Restore(bytes.NewReader(whole[:i]), 1)
		require.Error(t, err, "%d bytes", i)
	}
}
