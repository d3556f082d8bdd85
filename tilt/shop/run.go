package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// serve starts a server for each service and one for control, in the group. The returned function stops them all, after
// their requests, which end with hard at the latest.
func (s *Shop) serve(hard context.Context, group *errgroup.Group) (shut func()) {
	var servers []*http.Server
	start := func(name string, l net.Listener, h http.Handler) {
		srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
		servers = append(servers, srv)
		group.Go(func() error {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", name, err)
			}
			return nil
		})
	}
	for _, svc := range s.services {
		if svc.consumes == nil {
			start(svc.name, s.net.listeners[svc.name], svc.handler(hard))
		}
	}
	start("control", s.control, (&control{s.faults, s.log}).handler())
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(hard), drainLimit+time.Second)
		defer cancel()
		var stopping sync.WaitGroup
		for _, srv := range servers {
			stopping.Go(func() {
				// A connection that was dialled and never used counts as busy for five seconds, unless its client closes it.
				s.net.CloseIdleConnections()
				if srv.Shutdown(ctx) != nil {
					_ = srv.Close() // only such connections are left: hard has ended every job
				}
			})
		}
		stopping.Wait()
	}
}

// consume starts the consumers of all queues. The returned function closes the queues, upstream first, each once the
// consumers of the one before have nothing left to publish.
func (s *Shop) consume(hard context.Context) (drain func()) {
	idle := map[string]*sync.WaitGroup{}
	for _, name := range queues() {
		idle[name] = &sync.WaitGroup{}
	}
	for _, svc := range s.services {
		if svc.consumes != nil {
			idle[svc.consumes.queue].Go(func() { svc.consume(hard) })
		}
	}
	return func() {
		for _, name := range queues() {
			close(s.queues[name].messages)
			idle[name].Wait()
		}
	}
}

// saturate keeps the target of a saturation overloaded for as long as it is on.
func (s *Shop) saturate(ctx context.Context) {
	for ctx.Err() == nil {
		o, on, changed := s.faults.get(Saturation)
		until, stop := context.WithCancel(ctx)
		var busy sync.WaitGroup
		for _, svc := range s.services {
			if on && svc.name == o.target {
				busy.Go(func() { svc.pool.overload(until) })
			}
		}
		// Any fault's change ends the wait; when this one is the same the hogs are back within a moment.
		select {
		case <-changed:
		case <-ctx.Done():
		}
		stop()
		busy.Wait()
	}
}

// breakLater switches on the fault that the configuration asks for, when its time has come.
func (s *Shop) breakLater(ctx context.Context) {
	if s.cfg.Fault == "" || pause(ctx, s.cfg.FaultAfter) != nil {
		return
	}
	s.faults.set(Kind(s.cfg.Fault), s.target, time.Now())
	s.log.Info("fault switched on", "fault", s.cfg.Fault, "target", s.target)
}

// release sends the last telemetry and gives back what New took.
func (s *Shop) release() {
	var flushing sync.WaitGroup
	if s.cut != nil {
		// Not the SDK's own deadline: it would leave its goroutines to their retries.
		defer time.AfterFunc(flushLimit, s.cut).Stop()
		defer s.cut()
	}
	for _, svc := range s.services {
		flushing.Go(func() {
			if err := svc.shutdown(context.Background()); err != nil {
				s.log.Warn("telemetry lost at the end", "service.name", svc.name, "error", err)
			}
		})
	}
	flushing.Wait()
	if s.conn != nil {
		_ = s.conn.Close() // nothing is sent any more
	}
	if s.net != nil {
		s.net.close()
	}
	if s.control != nil {
		_ = s.control.Close() // closed by its server, if that ran
	}
}
