package otlp_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
)

func lowDisk() *logsv1.LogRecord {
	return &logsv1.LogRecord{
		TimeUnixNano: 1767225600000000123, ObservedTimeUnixNano: 1767225600000000456,
		SeverityNumber: logsv1.SeverityNumber_SEVERITY_NUMBER_WARN, SeverityText: "WARN", EventName: "disk.low",
		Body:       text("", "disk low on /var").Value,
		Attributes: []*commonv1.KeyValue{text("disk.path", "/var"), integer("disk.free", 5)},
		TraceId:    []byte("0123456789abcdef"), SpanId: []byte("01234567"), Flags: 1,
	}
}

func logsOf(records ...*logsv1.LogRecord) *collectorlogsv1.ExportLogsServiceRequest {
	return &collectorlogsv1.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{
		Resource:  &resourcev1.Resource{Attributes: []*commonv1.KeyValue{text("service.name", "db")}},
		ScopeLogs: []*logsv1.ScopeLogs{{Scope: &commonv1.InstrumentationScope{Name: "watch"}, LogRecords: records}},
	}}}
}

func TestAViewOfLogsShowsWhatARecordSays(t *testing.T) {
	var v otlp.Logs
	require.NoError(t, v.Scan(encode(t, logsOf(lowDisk(), &logsv1.LogRecord{ObservedTimeUnixNano: 7}, &logsv1.LogRecord{})), otlp.LevelAll))
	require.Len(t, v.Records, 3)

	r := &v.Records[0]
	require.Equal(t, otlp.Fault(0), r.Fault)
	require.Equal(t, id.Trace([]byte("0123456789abcdef")), r.Trace)
	require.Equal(t, id.Span([]byte("01234567")), r.Span)
	require.Equal(t, []uint64{1767225600000000123, 1767225600000000456}, []uint64{r.Time, r.Observed})
	require.Equal(t, []string{"WARN", "disk.low", "disk low on /var"}, []string{v.Text(r.SeverityText), v.Text(r.EventName), v.Body(r).Text()})
	require.Equal(t, []uint32{13, 1, 2}, []uint32{uint32(r.Severity), r.Flags, r.Attrs})
	require.Equal(t, []string{"db", "watch"}, []string{v.Service(r.Resource), v.ScopeName(r.Scope)})
	free, ok := v.RecordAttr(r, "disk.free")
	require.True(t, ok)
	require.Equal(t, "5", free.Text())
	keys := ""
	for key := range v.RecordAttrs(r) {
		keys += string(key) + " "
	}
	require.Equal(t, "disk.path disk.free ", keys)

	bare := &v.Records[2]
	require.True(t, bare.Trace.IsZero())
	require.Equal(t, otlp.ValueEmpty, v.Body(bare).Kind())
	require.Equal(t, []bool{false, false, true}, []bool{r.Impossible(), v.Records[1].Impossible(), bare.Impossible()})
}
