package logs

import (
	"cmp"
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
	"github.com/triflow/triflow/pkg/otlp"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/logs/internal/body"
	"github.com/triflow/triflow/services/logs/internal/filing"
)

// maxServiceName bounds a name in bytes; a longer one is cut.
const maxServiceName = 256

// The words of LogRecord.quality_flags, beside those that ingestion gives in otlp.QualityKey.
const (
	implausibleTime     = "implausible_time"
	implausibleObserved = "implausible_observed_time"
	severityOutOfRange  = "severity_out_of_range"
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
				e := makeEntryOf(service, r, received)
				e.Log.ScopeName = scope.GetScope().GetName()
				entries = append(entries, e)
			}
		}
	}
	return entries, nil
}

func makeEntryOf(service string, r *otlplogsv1.LogRecord, received time.Time) entry {
	filed := filing.Times{Own: r.GetTimeUnixNano(), Observed: r.GetObservedTimeUnixNano()}.File(received)
	mined := body.Mine(r.GetBody(), r.GetEventName())
	log := &logsv1.LogRecord{
		Time:                   timestamppb.New(filed.At),
		Service:                service,
		SeverityNumber:         severityOf(r),
		SeverityText:           r.GetSeverityText(),
		Attributes:             r.GetAttributes(),
		EventName:              r.GetEventName(),
		TimeUnixNano:           r.GetTimeUnixNano(),
		ObservedTimeUnixNano:   cmp.Or(r.GetObservedTimeUnixNano(), uint64(received.UnixNano())),
		QualityFlags:           doubts(r, filed),
		Mining:                 mining[mined.Way],
		MinedField:             mined.Field,
		DroppedAttributesCount: r.GetDroppedAttributesCount(),
		Flags:                  r.GetFlags(),
	}
	if _, plain := r.GetBody().GetValue().(*commonv1.AnyValue_StringValue); plain {
		log.Body = r.GetBody().GetStringValue()
	} else if r.GetBody().GetValue() != nil {
		log.BodyValue = r.GetBody()
	}
	e := entry{Record: Record{Log: log, Time: filed.At}, mined: mined.Text}
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

var mining = [...]logsv1.Mining{
	body.None:      logsv1.Mining_MINING_NONE,
	body.Whole:     logsv1.Mining_MINING_TEXT,
	body.Field:     logsv1.Mining_MINING_FIELD,
	body.Structure: logsv1.Mining_MINING_STRUCTURE,
	body.Value:     logsv1.Mining_MINING_VALUE,
	body.EventName: logsv1.Mining_MINING_EVENT_NAME,
}

// doubts gives the words for what is doubtful in a record.
func doubts(r *otlplogsv1.LogRecord, filed filing.Filed) (words []string) {
	if filed.BadOwn {
		words = append(words, implausibleTime)
	}
	if filed.BadObserved {
		words = append(words, implausibleObserved)
	}
	if !inRange(int32(r.GetSeverityNumber())) {
		words = append(words, severityOutOfRange)
	}
	for _, a := range r.GetAttributes() {
		if a.GetKey() == otlp.QualityKey && a.GetValue().GetStringValue() != "" {
			words = append(words, strings.Split(a.GetValue().GetStringValue(), ",")...)
		}
	}
	return words
}

func serviceName(r *resourcev1.Resource) string {
	for _, a := range r.GetAttributes() {
		if a.GetKey() == "service.name" && a.GetValue().GetStringValue() != "" {
			return clip(a.GetValue().GetStringValue(), maxServiceName)
		}
	}
	return "unknown_service"
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
