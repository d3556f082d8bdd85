package ingestion

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
)

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
	if items := r.Items - r.Refused; items > 0 {
		if no := notAdmitted(in.admit.Charge(s.deps.Now(), items, len(b.bytes))); no != nil {
			return outcome{}, in.refuse(no, items)
		}
		kept := r.Kept()
		if err := st.append(ctx, s.deps.Now(), items, b, kept); err != nil {
			return outcome{}, in.refuse(notAppended(err), items)
		}
		in.admit.Accept(items, len(kept))
	}
	out := outcome{refused: r.Refused}
	if r.Refused == 0 {
		return out, nil
	}
	for i, fault := range r.Refusals() {
		st.count(fault.Fault.String(), fault.Items)
		in.admit.Refuse(reasonOf(fault.Fault.String()), fault.Items)
		if i > 0 {
			continue // a client hears of the first
		}
		path := fault.Path
		if f == otlpJSON {
			path = otlp.JSONPath(path)
		}
		out.message = path + ": " + fault.Text
	}
	return out, nil
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
