package ingestion

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
)

// sampleBytes is how much of a refused item is shown.
const sampleBytes = 4096

// outcome is what a request that could be read is answered with.
type outcome struct {
	refused int
	message string
}

// accept checks a request and makes it durable.
func (in *intake) accept(ctx context.Context, signal otlp.Signal, b *buffer, marks []otlp.Mark, f format) (outcome, *refusal) {
	s, st := in.s, in.stream
	if s.draining.Load() {
		return outcome{}, in.refuse(refuse(draining, "the server is going down"), 1)
	}
	r, _ := s.requests.Get().(*otlp.Request)
	if r == nil {
		r = new(otlp.Request)
	}
	defer func() {
		r.Bytes = nil // it goes back to its own pool
		s.requests.Put(r)
	}()
	if err := r.Scan(signal, b.bytes, marks); err != nil {
		return outcome{}, in.refuse(notScanned(err), 1)
	}
	if no := in.store(ctx, r, b); no != nil {
		in.note(r, no.word)
		return outcome{}, no
	}
	in.note(r, "")
	s.notary.offer(in.admit.Tenant(), r, b, f)
	if r.Refused > 0 {
		for _, fault := range r.Refusals() {
			st.count(fault.Fault.String(), fault.Items)
			in.admit.Refuse(reasonOf(fault.Fault.String()), fault.Items)
		}
	}
	return outcome{refused: r.Refused, message: r.Message(f == otlpJSON)}, nil
}

// store makes durable what is kept of a request.
func (in *intake) store(ctx context.Context, r *otlp.Request, b *buffer) *refusal {
	items := r.Items - r.Refused
	if items == 0 {
		return nil
	}
	now := in.s.deps.Now()
	if no := notAdmitted(in.admit.Charge(now, items, len(b.bytes))); no != nil {
		return in.refuse(no, items)
	}
	kept := r.Kept()
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := in.stream.append(ctx, now, in.admit.Tenant(), items, b, kept); err != nil {
		return in.refuse(notAppended(err), items)
	}
	in.admit.Accept(items, len(kept))
	return nil
}

// note writes a request that was read into the book of senders, and reports what it showed; refused is why all of it was
// refused, if it was.
func (in *intake) note(r *otlp.Request, refused string) {
	now := in.s.deps.Now()
	b := arrival.Batch{Tenant: in.admit.Tenant(), Address: in.address, Credential: in.credential, Request: r, Refused: refused}
	if r.Refused > 0 {
		b.Item = func(f otlp.Refusal) string {
			return string(otlp.AppendItemJSON(nil, r.MessageAt(f.Item), r.Bytes[f.Item.Off:f.Item.Off+f.Item.Len], sampleBytes))
		}
	}
	for _, f := range in.s.senders.Record(now, b) {
		in.s.faults.Report(now, f)
	}
}

// protobuf is the ExportTraceServiceResponse; those of the other signals have the same numbers.
func (o outcome) protobuf() []byte {
	if o.refused == 0 && o.message == "" {
		return []byte{}
	}
	p := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(o.refused))
	p = protowire.AppendString(protowire.AppendTag(p, 2, protowire.BytesType), o.message)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), p)
}

func (o outcome) json(signal otlp.Signal) []byte {
	if o.refused == 0 && o.message == "" {
		return []byte("{}")
	}
	message, _ := json.Marshal(o.message) // a string always can be
	name := [...]string{"rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"}[signal]
	return fmt.Appendf(nil, `{"partialSuccess":{%q:"%d","errorMessage":%s}}`, name, o.refused, message)
}
