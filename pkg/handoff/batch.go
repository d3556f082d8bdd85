package handoff

import (
	"context"
	"time"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// Batch is one OTLP export request on its way from ingestion to the service that owns its signal.
type Batch struct {
	// Sender names the log that the batch comes from, the same over restarts.
	Sender string
	// Position is where the batch stands in that log, rising, from 1.
	Position uint64
	// TotalItems counts the items of the log up to and with this batch.
	TotalItems uint64
	// Items counts the items of this batch.
	Items int
	// Signal tells what Payload is.
	Signal handoffv1.Signal
	// ReceiveTime is when ingestion took it in.
	ReceiveTime time.Time
	// Tenant is whose it is, if that is known.
	Tenant string
	// Payload holds an OTLP export request of the signal. It must not be changed by anyone, nor be read after Done was
	// called, unless Own was before: its memory is used again.
	Payload []byte
	// Digest is the CRC-32C of Payload; 0 if nobody has computed it yet.
	Digest uint32
	// Own, if not nil, makes Payload the receiver's, which then frees it by what Own gives, once, before or after Done.
	// What is never freed is left to the garbage collector. It is called once at most, before Done.
	Own func() (free func())
	// Read, if not nil, gives Payload once more, in memory of its own, until Done. A receiver in which it waits for long
	// need not hold it. The error is that of ctx, ErrEnded when the log was closed, or says that it cannot be had any more.
	Read func(ctx context.Context) ([]byte, error)
	// Done is called exactly once, from any goroutine, when the receiver needs the batch no more: every item is
	// stored, counted or decided. It does not block.
	Done func()
}

// Receiver is a service that owns a signal.
type Receiver interface {
	// Push takes b over. It waits while the receiver is full, until ctx ends, and returns an error when b was not
	// taken. Batches of one sender come in the order of their positions, from one goroutine; after a restart of either
	// side the sender pushes again what was not done, so a receiver counts and stores each position once.
	Push(ctx context.Context, b Batch) error
}
