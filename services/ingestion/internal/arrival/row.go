package arrival

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/otlp"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// unknown is the service of a resource that does not say one, as the semantic conventions have it.
const unknown = "unknown_service"

// Bounds of texts, in bytes.
const (
	maxName = 256
	maxText = 1024
	maxItem = 4096
)

// row is a sender.
type row struct {
	key         string
	signal      handoffv1.Signal
	tenant      string
	service     string
	sdk         string
	address     string
	credential  string
	first, last time.Time
	batch       uint64 // the latest one that is counted
	tally
	refused map[string]uint64 // items by reason; nil with none
	sample  *ingestionv1.RefusedItem
	lags    window
}

// appendKey adds what tells a sender from all others to key.
func appendKey(key []byte, b *Batch, s *otlp.Source) []byte {
	key = append(key, byte(b.Request.Signal))
	key = appendText(key, b.Tenant)
	key = appendText(key, b.Address)
	key = appendText(key, b.Credential)
	if len(s.Service) == 0 {
		key = appendText(key, unknown)
	} else {
		key = appendText(key, s.Service)
	}
	key = appendText(key, s.SDKLanguage)
	key = appendText(key, s.SDKName)
	return appendText(key, s.SDKVersion)
}

// appendText adds what counts of a text, with its length before it so that no two lists of texts look alike.
func appendText[T string | []byte](key []byte, text T) []byte {
	text = text[:min(len(text), maxName)]
	key = binary.BigEndian.AppendUint16(key, uint16(len(text)))
	return append(key, text...)
}

// newRow makes the row of a sender that came for the first time. It keeps nothing of the request.
func newRow(key string, now time.Time, b *Batch, s *otlp.Source) *row {
	r := &row{
		key: key, signal: signalOf(b.Request), first: now, last: now,
		tenant: clip(b.Tenant, maxName), address: clip(b.Address, maxName), credential: clip(b.Credential, maxName),
		service: ServiceOf(s),
	}
	var sdk []string
	for _, part := range [][]byte{s.SDKLanguage, s.SDKName, s.SDKVersion} {
		if len(part) > 0 {
			sdk = append(sdk, clip(string(part), maxName))
		}
	}
	r.sdk = strings.Join(sdk, " ")
	return r
}

// ServiceOf is what the book calls the service of a source.
func ServiceOf(s *otlp.Source) string {
	if len(s.Service) == 0 {
		return unknown
	}
	return clip(string(s.Service), maxName)
}

// measure counts the lags of a source that arrived now.
func (r *row) measure(now time.Time, s *otlp.Source) {
	if s.Timed == 0 {
		return
	}
	h, arrived := r.lags.at(now), uint64(now.UnixNano())
	add := func(at, items uint64) {
		if at > arrived {
			r.ahead += items
			at = arrived
		}
		h.add(bucket(arrived-at), items)
	}
	if s.Timed == 1 {
		add(s.Latest, 1)
		return
	}
	add(s.Earliest, 1)
	add(s.Latest, 1)
	if s.Timed > 2 {
		add(s.Mean(), uint64(s.Timed-2))
	}
}

// refuse counts items that were refused.
func (r *row) refuse(reason string, items int) {
	if r.refused == nil {
		r.refused = map[string]uint64{}
	}
	r.refused[reason] += uint64(items)
}

// proto gives the row for the wire.
func (r *row) proto(now time.Time, done mean) *ingestionv1.Sender {
	var lags histogram
	r.lags.into(&lags, now)
	s := &ingestionv1.Sender{
		Signal: r.signal, Tenant: r.tenant, Service: r.service, Sdk: r.sdk, Address: r.address, Credential: r.credential,
		FirstTime: timestamppb.New(r.first), LastTime: timestamppb.New(r.last),
		Batches: r.batches, Accepted: r.accepted, Sample: r.sample, Lag: lags.proto(), Quality: r.quality(&lags, done),
	}
	for _, reason := range slices.Sorted(maps.Keys(r.refused)) {
		s.Refused = append(s.Refused, &ingestionv1.RefusedCount{Reason: reason, Items: r.refused[reason]})
	}
	return s
}

// clip cuts s to n bytes of whole characters, and keeps nothing of what is beyond.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.Clone(s[:n])
	}
	return strings.ToValidUTF8(s, "")
}

// signalOf gives the word of the contracts for the signal of a request.
func signalOf(r *otlp.Request) handoffv1.Signal {
	switch r.Signal {
	case otlp.SignalTraces:
		return handoffv1.Signal_SIGNAL_TRACES
	case otlp.SignalLogs:
		return handoffv1.Signal_SIGNAL_LOGS
	case otlp.SignalMetrics:
		return handoffv1.Signal_SIGNAL_METRICS
	}
	return handoffv1.Signal_SIGNAL_UNSPECIFIED
}
