package logs

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	otlplogsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

const (
	// maxServiceName bounds a name in bytes; a longer one is cut.
	maxServiceName = 256
	// maxAhead is how far a record's time may lie behind its arrival; a clock that is further ahead is not believed.
	maxAhead = 24 * time.Hour
	// attrGivenTime keeps a time that was not believed, in nanoseconds as it came.
	attrGivenTime = "triflow.given_time_unix_nano"
	attrEventName = "event.name"
)

// entry is a decoded record with the text that is mined for its template.
type entry struct {
	Record
	mined string
}

// decode reads an ExportLogsServiceRequest.
func decode(payload []byte, received time.Time) ([]entry, error) {
	var req collectorv1.ExportLogsServiceRequest
	if err := proto.Unmarshal(payload, &req); err != nil {
		return nil, fmt.Errorf("decode %d bytes of logs: %w", len(payload), err)
	}
	var entries []entry
	for _, resource := range req.GetResourceLogs() {
		service := serviceName(resource.GetResource())
		for _, scope := range resource.GetScopeLogs() {
			for _, r := range scope.GetLogRecords() {
				entries = append(entries, makeEntryOf(service, r, received))
			}
		}
	}
	return entries, nil
}

func makeEntryOf(service string, r *otlplogsv1.LogRecord, received time.Time) entry {
	at, refused := eventTime(r, received)
	attributes := r.GetAttributes()
	if refused != 0 {
		attributes = append(attributes, text(attrGivenTime, fmt.Sprint(refused)))
	}
	if r.GetEventName() != "" && !has(attributes, attrEventName) {
		attributes = append(attributes, text(attrEventName, r.GetEventName()))
	}
	body := bodyText(r.GetBody())
	log := &logsv1.LogRecord{
		Time:           timestamppb.New(at),
		Service:        service,
		SeverityNumber: severity(r),
		SeverityText:   r.GetSeverityText(),
		Body:           body,
		Attributes:     attributes,
	}
	e := entry{Record: Record{Log: log, Time: at}, mined: minedText(r.GetBody(), body, r.GetEventName())}
	if len(r.GetTraceId()) == len(e.Trace) {
		e.Trace = id.Trace(r.GetTraceId())
	}
	if !e.Trace.IsZero() {
		log.TraceId = e.Trace.String()
	}
	if s := r.GetSpanId(); len(s) == len(id.Span{}) && !id.Span(s).IsZero() {
		log.SpanId = id.Span(s).String()
	}
	return e
}

// eventTime gives the first believable of the record's own time, the time it was observed and its arrival, and
// the record's own time if it was given and not believed: milliseconds where nanoseconds belong land in 1970, and
// a record filed there would be gone with the next sweep.
func eventTime(r *otlplogsv1.LogRecord, received time.Time) (at time.Time, refused uint64) {
	own, observed := r.GetTimeUnixNano(), r.GetObservedTimeUnixNano()
	if believable(own, received) {
		return time.Unix(0, int64(own)).UTC(), 0
	}
	if believable(observed, received) {
		return time.Unix(0, int64(observed)).UTC(), own
	}
	return received.UTC(), own
}

func believable(nanos uint64, received time.Time) bool {
	const year2000 = 946684800e9
	return nanos >= year2000 && nanos <= uint64(received.Add(maxAhead).UnixNano())
}

// severity gives the record's number, or what its text says when it has none; 0 for a number that OTLP has not.
func severity(r *otlplogsv1.LogRecord) int32 {
	n := int32(r.GetSeverityNumber())
	if n < 0 || n > 24 {
		return 0
	}
	if n > 0 {
		return n
	}
	switch strings.ToLower(r.GetSeverityText()) {
	case "trace":
		return 1
	case "debug":
		return 5
	case "info", "information", "notice":
		return 9
	case "warn", "warning":
		return 13
	case "error", "err":
		return 17
	case "fatal", "critical", "crit", "panic", "alert", "emerg", "emergency":
		return 21
	}
	return 0
}

func serviceName(r *resourcev1.Resource) string {
	for _, a := range r.GetAttributes() {
		if a.GetKey() == "service.name" && a.GetValue().GetStringValue() != "" {
			return clip(a.GetValue().GetStringValue(), maxServiceName)
		}
	}
	return "unknown_service"
}

func has(attributes []*commonv1.KeyValue, key string) bool {
	for _, a := range attributes {
		if a.GetKey() == key {
			return true
		}
	}
	return false
}

func text(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

// clip cuts s to at most n bytes that end with a whole rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
