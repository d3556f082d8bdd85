package sampling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/raftlog"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
	"github.com/triflow/triflow/services/sampling/internal/decide"
)

const (
	settleTimeout = 5 * time.Second
	settleRetry   = 200 * time.Millisecond
)

// Deps is what the service is given.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// Dir is the service's own folder; it exists.
	Dir string
	// Dial makes the connection to the gRPC address of another voter, and what closes it. nil will do for a single voter.
	Dial func(address string) (grpc.ClientConnInterface, func() error, error)
}

// Service is one voter. Its RPCs and Ready may be called by many goroutines.
type Service struct {
	cfg      Config
	deps     Deps
	metrics  *metrics
	machine  *machine
	logs     *raftlog.Store
	snaps    *raft.FileSnapshotStore
	listener net.Listener // nil for a single voter
	peers    *peers
	asks     chan ask
	stopped  chan struct{} // closed when nobody answers any more
	node     atomic.Pointer[raft.Raft]
	// settled is the latest term in which this voter led and had applied all that was committed before; 0: none.
	settled atomic.Uint64
}

// New opens the stores in deps.Dir and the port for the other voters. Nothing runs until Run.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := newMachine()
	instruments, err := newMetrics(deps.Meter, m)
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, deps: deps, metrics: instruments, machine: m, peers: newPeers(cfg.VoterRPC, deps.Dial),
		asks: make(chan ask, queuedAsks), stopped: make(chan struct{}),
	}
	if s.snaps, err = raft.NewFileSnapshotStoreWithLogger(deps.Dir, snapshotsKept, raftLogger(deps.Log)); err != nil {
		return nil, fmt.Errorf("open snapshots in %s: %w", deps.Dir, err)
	}
	if !cfg.alone() {
		if s.listener, err = net.Listen("tcp", cfg.Raft); err != nil {
			return nil, fmt.Errorf("sampling.raft: %w", err)
		}
	}
	if s.logs, err = raftlog.Open(filepath.Join(deps.Dir, "raft")); err != nil {
		return nil, errors.Join(err, s.closeListener())
	}
	return s, nil
}

// Ready is nil when there is a leader and policies to judge by.
func (s *Service) Ready() error {
	node := s.node.Load()
	if node == nil {
		return errors.New("sampling has not started")
	}
	if _, leader := node.LeaderWithID(); leader == "" {
		return errors.New("sampling has no leader")
	}
	if s.machine.rulesNow().epoch == 0 {
		return errors.New("sampling has no policies yet")
	}
	return nil
}

// Run votes, and leads when elected, until ctx ends. Then it hands leadership on, if it can, and closes the stores.
func (s *Service) Run(ctx context.Context) error {
	defer close(s.stopped)
	node, err := s.start()
	if err != nil {
		return errors.Join(err, s.logs.Close())
	}
	s.node.Store(node)
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group sync.WaitGroup
	group.Go(func() { s.lead(work, node) })
	for range committers {
		group.Go(func() { s.commit(work, node) })
	}
	<-ctx.Done()
	s.handOn(node)
	err = node.Shutdown().Error() // also ends what the committers wait for, and the transport
	stop()
	group.Wait()
	return errors.Join(err, s.peers.close(), s.logs.Close())
}

// handOn lets another voter lead at once, which spares the cluster the wait for an election.
func (s *Service) handOn(node *raft.Raft) {
	if s.cfg.alone() || node.State() != raft.Leader {
		return
	}
	if err := node.LeadershipTransfer().Error(); err != nil { // gives up after ElectionTimeout
		s.deps.Log.Info("leadership not handed on", "error", err)
	}
}

// lead settles whenever this voter is elected.
func (s *Service) lead(ctx context.Context, node *raft.Raft) {
	var elected bool
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case elected = <-node.LeaderCh():
		case <-retry:
		}
		retry = nil
		if !elected {
			s.settled.Store(0)
			continue
		}
		term := node.CurrentTerm()
		if err := s.settle(node); err != nil {
			s.deps.Log.Info("leader not settled", "term", term, "error", err)
			retry = time.After(settleRetry)
			continue
		}
		s.settled.Store(term)
		s.deps.Log.Info("leading", "term", term, "epoch", s.machine.rulesNow().epoch)
	}
}

// settle applies what former leaders have committed, then puts into the log what a leader's configuration rules.
func (s *Service) settle(node *raft.Raft) error {
	if err := node.Barrier(settleTimeout).Error(); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if _, limit := s.machine.size(); limit != s.cfg.MaxDecisions {
		if _, err := apply(node, decide.EncodeLimit(s.cfg.MaxDecisions)); err != nil {
			return fmt.Errorf("set limit: %w", err)
		}
	}
	if s.machine.rulesNow().epoch > 0 {
		return nil
	}
	first, err := encodeSet(firstPolicies())
	if err != nil {
		return fmt.Errorf("encode first policies: %w", err)
	}
	if _, err := apply(node, decide.EncodePolicies(s.deps.Now(), "", first)); err != nil {
		return fmt.Errorf("set first policies: %w", err)
	}
	return nil
}

// firstPolicies lose nothing until somebody says what may be lost.
func firstPolicies() *samplingv1.PolicySet {
	return &samplingv1.PolicySet{Policies: []*samplingv1.Policy{
		{Name: "everything", Rule: &samplingv1.Policy_Always{Always: &samplingv1.AlwaysRule{}}},
	}}
}

// leads tells that this voter may propose, as far as it knows. A leader that was deposed and elected again has
// another term, so it has to settle again.
func (s *Service) leads() bool {
	node := s.node.Load()
	return node != nil && node.State() == raft.Leader && s.settled.Load() == node.CurrentTerm()
}

// confirm proves that this voter leads and so knows every decision that was ever acknowledged and not forgotten:
// those of former leaders since it settled, its own since it applied them.
func (s *Service) confirm() error {
	if !s.leads() {
		return errNotLeader
	}
	return s.node.Load().VerifyLeader().Error()
}

func (s *Service) closeListener() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}
