package shop

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// step is one thing a service does on behalf of a request, query or message. Steps run in order and the first error ends
// the job.
type step interface {
	do(ctx context.Context, s *service, j job) error
}

// job is what a request, query or message is about.
type job struct {
	id string
}

// work computes: it waits for a worker of the service, then holds it for a drawn time.
type work struct{ median time.Duration }

// call sends an HTTP request to another service and fails with it. The job's id fills the pattern's {id}.
type call struct{ to, pattern string }

// query sends a statement to a database service, which finds it by its summary ("SELECT stock").
type query struct{ to, summary string }

// outside sends a request to a host that nobody instruments. The host is simulated: it takes its time and answers 200.
type outside struct {
	host, pattern string
	median        time.Duration
}

// publish hands the job to whoever consumes the queue and does not wait for it.
type publish struct{ queue string }

// together runs its steps at the same time and fails with the first error, after all have ended.
type together []step

// absent finds, in the given share of jobs, that there is no such thing: the user hears 404, nothing is broken.
type absent struct{ share float64 }

// say logs in the given share of jobs. Placeholders of the text are filled in as fill explains.
type say struct {
	level slog.Level
	share float64
	text  string
}

func (w work) do(ctx context.Context, s *service, _ job) error { return s.compute(ctx, w.median) }

func (t together) do(ctx context.Context, s *service, j job) error {
	errs := make([]error, len(t))
	var wg sync.WaitGroup
	for i, st := range t {
		wg.Go(func() { errs[i] = st.do(ctx, s, j) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (a absent) do(_ context.Context, s *service, _ job) error {
	if s.dice.chance(a.share) {
		return errAbsent
	}
	return nil
}

func (l say) do(ctx context.Context, s *service, j job) error {
	if s.dice.chance(l.share) {
		text, attrs := fill(l.text, j, s.dice)
		s.log.LogAttrs(ctx, l.level, text, attrs...)
	}
	return nil
}

// calls reports whether the steps reach another service in a way that fits.
func calls(steps []step, fits func(step) bool) bool {
	for _, st := range steps {
		if t, ok := st.(together); ok && calls(t, fits) || fits(st) {
			return true
		}
	}
	return false
}

// steps returns all that the service may do, whatever the occasion.
func (sp spec) steps() []step {
	var all []step
	for _, r := range sp.routes {
		all = append(all, r.steps...)
	}
	if sp.database != nil {
		for _, steps := range sp.database.statements {
			all = append(all, steps...)
		}
	}
	if sp.consumes != nil {
		all = append(all, sp.consumes.steps...)
	}
	return all
}
