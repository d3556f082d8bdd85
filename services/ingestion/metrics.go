package ingestion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"

	"github.com/triflow/triflow/pkg/otlp"
)

// metrics are the instruments of the service. All but the durations are observed where GetLedger looks too, so that
// both tell the same.
type metrics struct {
	duration metric.Float64Histogram
	of       [2][3][codes.Unauthenticated + 1]metric.MeasurementOption // by transport, signal and code
}

// transport is how a request came.
type transport uint8

const (
	overGRPC transport = iota
	overHTTP
)

func (t transport) String() string { return [...]string{"grpc", "http"}[t] }

func newMetrics(m metric.Meter, s *Service) (*metrics, error) {
	duration, err := m.Float64Histogram("triflow.ingestion.request.duration", metric.WithUnit("s"),
		metric.WithDescription("How long export requests took, by transport, signal and code."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60))
	if err := errors.Join(err, observe(m, s)); err != nil {
		return nil, fmt.Errorf("make instruments: %w", err)
	}
	all := &metrics{duration: duration}
	for t := range all.of {
		for signal := range all.of[t] {
			for code := range all.of[t][signal] {
				all.of[t][signal][code] = metric.WithAttributeSet(attribute.NewSet(
					attribute.Stringer("transport", transport(t)), attribute.Stringer("signal", otlp.Signal(signal)),
					attribute.Stringer("code", codes.Code(code))))
			}
		}
	}
	return all, nil
}

// served notes a request; its code is that of gRPC, on either transport.
func (m *metrics) served(ctx context.Context, over transport, signal otlp.Signal, took time.Duration, r *refusal) {
	code := codes.OK
	if r != nil {
		code = r.grpc
	}
	m.duration.Record(ctx, took.Seconds(), m.of[over][signal][code])
}

// instruments are the gauges and counters that are observed, by signal but for inFlight.
type instruments struct {
	inFlight, backlog, walSize                metric.Int64ObservableGauge
	accepted, done, refused, requests         metric.Int64ObservableCounter
	damaged, lost, torn, syncFailures         metric.Int64ObservableCounter
	pushed, retried, notPushable, undecodable metric.Int64ObservableCounter
}

func observe(m metric.Meter, s *Service) error {
	var faults []error
	var all []metric.Observable
	counter := func(name, unit, help string) metric.Int64ObservableCounter {
		c, err := m.Int64ObservableCounter("triflow.ingestion."+name, metric.WithUnit(unit), metric.WithDescription(help))
		faults, all = append(faults, err), append(all, c)
		return c
	}
	gauge := func(name, unit, help string) metric.Int64ObservableGauge {
		g, err := m.Int64ObservableGauge("triflow.ingestion."+name, metric.WithUnit(unit), metric.WithDescription(help))
		faults, all = append(faults, err), append(all, g)
		return g
	}
	i := instruments{
		inFlight:     gauge("inflight.size", "By", "Bytes of the requests that are being served; near in-flight-bytes they are refused."),
		backlog:      gauge("backlog", "{item}", "Items that were not yet handed to the receiver."),
		walSize:      gauge("wal.size", "By", "Bytes of the log on disk; at wal-bytes requests are refused."),
		accepted:     counter("accepted", "{item}", "Items made durable over the life of the log."),
		done:         counter("done", "{item}", "Items that the receiver is done with over the life of the log."),
		refused:      counter("refused", "{item}", "Items refused, by reason; a request that cannot be read counts as one."),
		requests:     counter("requests", "{request}", "Export requests, refused ones included."),
		damaged:      counter("wal.damaged", "{place}", "Places of the log that could not be read."),
		lost:         counter("wal.lost", "{item}", "Items in damaged places, as far as their neighbours tell."),
		torn:         counter("wal.torn", "{place}", "Ends of segments that were not as they are left; most likely nothing acknowledged was there."),
		syncFailures: counter("wal.sync.failures", "{sync}", "Failed writes and syncs of the log."),
		pushed:       counter("pump.pushed", "{batch}", "Batches that the receiver took."),
		retried:      counter("pump.retried", "{batch}", "Pushes that failed and were tried again."),
		notPushable:  counter("pump.refused", "{batch}", "Batches passed over because the receiver refused them for good."),
		undecodable:  counter("pump.undecodable", "{batch}", "Records passed over because they could not be decoded."),
	}
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(i.inFlight, s.inFlight())
		for _, st := range s.streams {
			i.stream(o, st)
		}
		return nil
	}, all...)
	return errors.Join(append(faults, err)...)
}

func (i *instruments) stream(o metric.Observer, st *stream) {
	signal := attribute.String("signal", st.signal.String())
	of := metric.WithAttributeSet(attribute.NewSet(signal))
	l, disk, pump := st.ledger(), st.log.Stats(), st.pump.Stats()
	o.ObserveInt64(i.backlog, int64(l.GetBacklog()), of)
	o.ObserveInt64(i.walSize, int64(l.GetWalBytes()), of)
	o.ObserveInt64(i.accepted, int64(l.GetAccepted()), of)
	o.ObserveInt64(i.done, int64(l.GetDone()), of)
	o.ObserveInt64(i.requests, int64(l.GetRequests()), of)
	for _, r := range l.GetRefused() {
		o.ObserveInt64(i.refused, int64(r.GetItems()), metric.WithAttributes(signal, attribute.String("reason", r.GetReason())))
	}
	o.ObserveInt64(i.damaged, int64(disk.Damaged), of)
	o.ObserveInt64(i.lost, int64(disk.LostWeight), of)
	o.ObserveInt64(i.torn, int64(disk.Torn), of)
	o.ObserveInt64(i.syncFailures, int64(disk.SyncFailures), of)
	o.ObserveInt64(i.pushed, int64(pump.Pushed), of)
	o.ObserveInt64(i.retried, int64(pump.Retries), of)
	o.ObserveInt64(i.notPushable, int64(pump.Refused), of)
	o.ObserveInt64(i.undecodable, int64(pump.Undecodable), of)
}
