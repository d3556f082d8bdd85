package processor

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// What a processor has unless an option says otherwise: the values that the OpenTelemetry specification gives its batch
// processor.
const (
	DefaultQueueSize     = 2048 // spans
	DefaultBatchSize     = 512  // spans
	DefaultDelay         = 5 * time.Second
	DefaultExportTimeout = 30 * time.Second
)

const (
	minDuration  = time.Millisecond
	maxQueueSize = 1 << 24 // spans; 1 GiB of slots
)

// Option changes how a processor works.
type Option func(*options)

type options struct {
	queueSize, batchSize int
	delay, exportTimeout time.Duration
	meters               metric.MeterProvider // nil: no metrics
}

// WithQueueSize sets how many ended spans can wait for export, rounded up to a power of two.
func WithQueueSize(spans int) Option { return func(o *options) { o.queueSize = spans } }

// WithBatchSize sets how many spans are exported at once, at most the queue size.
func WithBatchSize(spans int) Option { return func(o *options) { o.batchSize = spans } }

// WithDelay sets how long a span waits at most for others to fill its batch.
func WithDelay(d time.Duration) Option { return func(o *options) { o.delay = d } }

// WithExportTimeout sets how long the exporter may take for one batch, its retries included.
func WithExportTimeout(d time.Duration) Option { return func(o *options) { o.exportTimeout = d } }

// WithMeterProvider makes the processor report triflow.processor.spans.offered, .exported and .dropped (by reason) and
// triflow.processor.queue.size, until Shutdown.
func WithMeterProvider(p metric.MeterProvider) Option { return func(o *options) { o.meters = p } }

func newOptions(opts []Option) options {
	o := options{queueSize: DefaultQueueSize, batchSize: DefaultBatchSize, delay: DefaultDelay, exportTimeout: DefaultExportTimeout}
	for _, set := range opts {
		set(&o)
	}
	return o
}

// validate reports every fault at once.
func (o options) validate() error {
	var faults []error
	if o.queueSize < 1 || o.queueSize > maxQueueSize {
		faults = append(faults, fmt.Errorf("queue size: %d spans, want 1 to %d", o.queueSize, maxQueueSize))
	}
	if o.batchSize < 1 || o.batchSize > o.queueSize {
		faults = append(faults, fmt.Errorf("batch size: %d spans, want 1 to the queue size, %d", o.batchSize, o.queueSize))
	}
	if o.delay < minDuration {
		faults = append(faults, fmt.Errorf("delay: %s, want at least %s", o.delay, minDuration))
	}
	if o.exportTimeout < minDuration {
		faults = append(faults, fmt.Errorf("export timeout: %s, want at least %s", o.exportTimeout, minDuration))
	}
	return errors.Join(faults...)
}
