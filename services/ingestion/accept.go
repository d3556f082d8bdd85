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

// accept checks a request and makes it durable. b must not change until accept returns.
func (s *Service) accept(ctx context.Context, signal otlp.Signal, b []byte, marks []otlp.Mark, json bool) (outcome, *refusal) {
	st := s.streams[signal]
	if s.draining.Load() {
		return outcome{}, st.refuse(refuse(draining, "the server is going down"), 1)
	}
	var r otlp.Request
	if err := r.Scan(signal, b, marks); err != nil {
		return outcome{}, st.refuse(notScanned(err), 1)
	}
	if items := r.Items - r.Refused; items > 0 {
		if err := st.append(ctx, s.deps.Now(), items, r.Kept()); err != nil {
			return outcome{}, st.refuse(notAppended(err), items)
		}
	}
	out := outcome{refused: r.Refused}
	for i, f := range r.Refusals() {
		st.count(f.Fault.String(), f.Items)
		if i > 0 {
			continue // a client hears of the first
		}
		path := f.Path
		if json {
			path = otlp.JSONPath(path)
		}
		out.message = path + ": " + f.Text
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
