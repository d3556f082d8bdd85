package remediation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/table"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	"github.com/triflow/triflow/services/remediation/internal/playbook"
)

// incidents is the part of diagnosis that plans are made from.
type incidents interface {
	ListIncidents(ctx context.Context, in *diagnosisv1.ListIncidentsRequest, opts ...grpc.CallOption) (*diagnosisv1.ListIncidentsResponse, error)
	GetIncident(ctx context.Context, in *diagnosisv1.GetIncidentRequest, opts ...grpc.CallOption) (*diagnosisv1.GetIncidentResponse, error)
}

// Deps is what the service is given.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// Dir is the service's own folder; it exists.
	Dir string
	// Rand gives 32 random bits for ids and pauses; many goroutines may call it.
	Rand func() uint32
	// Diagnosis gives the incidents, Sampling holds the policies.
	Diagnosis incidents
	Sampling  policies
	// OnChange hears of every plan that changed ("remediation", id); nil for nobody. It must not block.
	OnChange func(kind, id string)
	// HTTP sends calls in place of the guarded transport; for tests.
	HTTP http.RoundTripper
}

const (
	// maxPlans is how many plans are kept; the oldest go first.
	maxPlans = 2000
	// askTimeout bounds a question to a neighbour.
	askTimeout = 5 * time.Second
	// self is the actor of what the service does by itself.
	self = "triflow"
)

// Service is the remediation service. Its RPCs and Ready may be called by many goroutines.
type Service struct {
	cfg     Config
	deps    Deps
	book    *playbook.Book
	actions map[remediationv1.ActionKind]action
	webhook *webhook
	audit   *audit
	table   *table.Table[*remediationv1.Remediation]
	metrics *metrics
	wake    chan struct{} // of size 1: a plan was approved

	moved map[string]int // by incident, the loop's own: polls in a row that found another cause than the pending plan's

	mu    sync.Mutex                            // guards plans and puts to table; an approval is one critical section
	plans map[string]*remediationv1.Remediation // what table holds; the messages are replaced, never changed
}

// New opens the store in deps.Dir and reads the playbooks. Nothing runs until Run. A broken audit trail is no error of
// New: the service then serves what it knows, and does nothing.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	book, err := loadBook(cfg.Playbooks)
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, deps: deps, book: book,
		webhook: newWebhook(cfg, deps),
		wake:    make(chan struct{}, 1),
		moved:   map[string]int{},
		plans:   map[string]*remediationv1.Remediation{},
	}
	s.actions = map[remediationv1.ActionKind]action{
		remediationv1.ActionKind_ACTION_KIND_WEBHOOK:        s.webhook,
		remediationv1.ActionKind_ACTION_KIND_SAMPLING_BOOST: &boost{sampling: deps.Sampling, now: deps.Now, random: deps.Rand, base: 100 * time.Millisecond},
	}
	if s.metrics, err = newMetrics(deps.Meter); err != nil {
		return nil, err
	}
	if s.audit, err = openAudit(filepath.Join(deps.Dir, "audit.log")); err != nil {
		return nil, err
	}
	s.table, err = table.Open(filepath.Join(deps.Dir, "plans"), maxPlans, func() *remediationv1.Remediation { return &remediationv1.Remediation{} })
	if err != nil {
		return nil, errors.Join(err, s.audit.Close())
	}
	if err := s.reconcile(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// loadBook reads the file at path, if there is one, over the playbooks built in.
func loadBook(path string) (*playbook.Book, error) {
	below, err := playbook.Parse(playbook.Default)
	if err != nil {
		return nil, fmt.Errorf("built-in playbooks: %w", err)
	}
	if path == "" {
		return below, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read playbooks: %w", err)
	}
	book, err := playbook.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("playbooks %s: %w", path, err)
	}
	return book.Over(below), nil
}

// Ready is nil while the audit trail can be trusted.
func (s *Service) Ready() error { return s.audit.Broken() }

// Run proposes plans and runs approved ones until ctx ends. A step under way then is cut short and carried on by the
// next start.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.execute(ctx) })
	s.poll(ctx)
	wg.Wait()
	s.webhook.close()
	return s.close()
}

func (s *Service) close() error { return errors.Join(s.table.Close(), s.audit.Close()) }

// poll looks at the incidents until ctx ends.
func (s *Service) poll(ctx context.Context) {
	ticks := time.NewTicker(s.cfg.Poll)
	defer ticks.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			err := s.review(ctx)
			if ctx.Err() != nil {
				return
			}
			last = s.complain(ctx, err, last)
		}
	}
}

// complain logs a fault when it is another than the last one, and gives its text.
func (s *Service) complain(ctx context.Context, err error, last string) string {
	if err == nil {
		return ""
	}
	s.metrics.faults.Add(ctx, 1)
	if err.Error() != last {
		s.deps.Log.Warn("incidents not reviewed", "error", err)
	}
	return err.Error()
}

// causeName gives a kind as playbooks and people write it.
func causeName(k diagnosisv1.CauseKind) string { return strings.TrimPrefix(k.String(), "CAUSE_KIND_") }
