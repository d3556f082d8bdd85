package logs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/settings"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

func TestABadFieldIsNamed(t *testing.T) {
	v := &server{s: &Service{cfg: settings.Defaults[Config](), catalog: newCatalog(settings.Defaults[Config](), State{})}}
	second := &timestamppb.Timestamp{Seconds: 1}
	for field, in := range map[string]*logsv1.SearchLogsRequest{
		"trace_id":            {TraceId: "abc"},
		"template_id":         {TemplateId: "zzzzzzzzzzzzzzzz"},
		"service":             {Service: strings.Repeat("x", 257)},
		"contains":            {Contains: strings.Repeat("x", 1025)},
		"min_severity_number": {MinSeverityNumber: 25},
		"start_time":          {StartTime: &timestamppb.Timestamp{Nanos: -1}},
		"end_time":            {StartTime: second, EndTime: second},
		"page_size":           {PageSize: 1001},
		"page_token":          {PageToken: "x"},
	} {
		_, err := v.SearchLogs(t.Context(), in)
		require.Equal(t, field, violation(t, err), err)
	}
	for field, in := range map[string]*logsv1.ListTemplatesRequest{
		"service":             {Service: strings.Repeat("x", 257)},
		"min_severity_number": {MinSeverityNumber: -1},
		"first_seen_after":    {FirstSeenAfter: &timestamppb.Timestamp{Nanos: -1}},
		"page_size":           {PageSize: -1},
		"page_token":          {PageToken: "x"},
	} {
		_, err := v.ListTemplates(t.Context(), in)
		require.Equal(t, field, violation(t, err), err)
	}
}

func violation(t *testing.T, err error) string {
	t.Helper()
	s := status.Convert(err)
	require.Equal(t, codes.InvalidArgument, s.Code())
	faults := s.Details()[0].(*errdetails.BadRequest).GetFieldViolations()
	require.Len(t, faults, 1)
	return faults[0].GetField()
}

func TestPagesOfTemplatesJoinToTheWholeList(t *testing.T) {
	s, err := New(settings.Defaults[Config](), deps(t.TempDir()))
	require.NoError(t, err)
	start(t, s)
	var lines []string
	for i := range 7 {
		for range i/2 + 1 {
			lines = append(lines, fmt.Sprintf("%s happened", strings.Repeat("x", i+1)))
		}
	}
	push(t, s, "a", 1, payload(t, "cart", lines...))
	var got []uint64
	in := &logsv1.ListTemplatesRequest{Service: "cart", PageSize: 2}
	for {
		out, err := (&server{s: s}).ListTemplates(t.Context(), in)
		require.NoError(t, err)
		for _, row := range out.GetTemplates() {
			got = append(got, row.GetCount())
			require.NotEmpty(t, row.GetExample())
		}
		if in.PageToken = out.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	require.Equal(t, []uint64{4, 3, 3, 2, 2, 1, 1}, got)
}

func TestAnOldTemplateIDFindsTheRecordsOfTheTemplateThatTookItIn(t *testing.T) {
	s, err := New(settings.Defaults[Config](), deps(t.TempDir()))
	require.NoError(t, err)
	start(t, s)
	push(t, s, "a", 1, payload(t, "mail", "session opened for user ann by root"))
	first := search(t, s, &logsv1.SearchLogsRequest{})[0].GetTemplateId()
	var lines []string
	for _, user := range []string{"bob", "carol", "dave", "eve", "fred"} {
		lines = append(lines, "session opened for user "+user+" by root")
	}
	push(t, s, "a", 2, payload(t, "mail", lines...))
	require.Len(t, search(t, s, &logsv1.SearchLogsRequest{TemplateId: first}), 6)
}

func TestATokenOfAnotherSearchIsRefused(t *testing.T) {
	s, err := New(settings.Defaults[Config](), deps(t.TempDir()))
	require.NoError(t, err)
	start(t, s)
	push(t, s, "a", 1, payload(t, "cart", "a", "b", "c"))
	v := &server{s: s}
	out, err := v.SearchLogs(t.Context(), &logsv1.SearchLogsRequest{PageSize: 1})
	require.NoError(t, err)
	require.NotEmpty(t, out.GetNextPageToken())
	_, err = v.SearchLogs(t.Context(), &logsv1.SearchLogsRequest{Contains: "a", PageToken: out.GetNextPageToken()})
	require.Equal(t, "page_token", violation(t, err))
}

func TestTheConfigNamesEveryFault(t *testing.T) {
	err := Config{}.Validate()
	for _, name := range []string{"retention", "max_bytes", "max_templates", "max_services", "max_tokens", "queue", "step", "scan_limit"} {
		require.ErrorContains(t, err, "logs."+name+": 0")
	}
	require.NoError(t, settings.Defaults[Config]().Validate())
}
