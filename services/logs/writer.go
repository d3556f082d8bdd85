package logs

import (
	"context"
	"time"
)

// write is the writer's loop; it returns nil when ctx ends.
func (s *Service) write(ctx context.Context, reports chan<- []sample) error {
	steps, sweeps := time.NewTicker(s.cfg.Step), time.NewTicker(sweepEvery)
	defer steps.Stop()
	defer sweeps.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-s.jobs:
			if err := s.apply(ctx, s.gather(j)); err != nil {
				return err
			}
		case <-steps.C:
			s.step(ctx, reports)
		case <-sweeps.C:
			if err := s.sweep(ctx); err != nil {
				return err
			}
		}
	}
}

// drain stores what was pushed before the stop; it is bounded by the queue.
func (s *Service) drain(ctx context.Context) error {
	for {
		select {
		case j := <-s.jobs:
			if err := s.apply(ctx, s.gather(j)); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// gather takes what else waits, so that one synced commit serves many pushes.
func (s *Service) gather(first job) []job {
	jobs := []job{first}
	for len(jobs) < maxGroup {
		select {
		case j := <-s.jobs:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// apply mines and stores the batches that are new, in one commit, and then calls Done of all of them.
func (s *Service) apply(ctx context.Context, jobs []job) error {
	g := &Group{Marks: map[string]uint64{}}
	s.mu.Lock()
	for _, j := range jobs {
		if j.position <= s.marks[j.sender] {
			s.metrics.duplicates.Add(ctx, 1)
			continue
		}
		for i := range j.entries {
			s.catalog.mine(&j.entries[i])
			g.Records = append(g.Records, j.entries[i].Record)
		}
		s.marks[j.sender] = j.position
		g.Marks[j.sender] = j.position
	}
	g.Templates, g.Removed = s.catalog.changed()
	s.mu.Unlock()

	if len(g.Marks) > 0 {
		start := s.deps.Now()
		if err := s.store.Commit(g); err != nil {
			return err
		}
		s.metrics.commit.Record(ctx, s.deps.Now().Sub(start).Seconds())
		s.metrics.group.Record(ctx, int64(len(jobs)))
		s.metrics.records.Add(ctx, int64(len(g.Records)))
	}
	for _, j := range jobs {
		j.done()
	}
	return nil
}

// sweep deletes what is too old or too much; it goes on at once while nothing waits.
func (s *Service) sweep(ctx context.Context) error {
	for {
		n, err := s.store.Sweep(s.deps.Now().Add(-s.cfg.Retention), s.cfg.MaxBytes, sweepLimit)
		if err != nil {
			return err
		}
		s.metrics.swept.Add(ctx, int64(n))
		if n < sweepLimit || len(s.jobs) > 0 || ctx.Err() != nil {
			return nil
		}
	}
}
