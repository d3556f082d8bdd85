package logs

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/pkg/rpc"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/logs/internal/drain"
)

const (
	defaultPage = 100
	maxPage     = 1000
	maxContains = 1024
)

type server struct {
	logsv1.UnimplementedLogsServiceServer
	s *Service
}

// Register adds the LogsService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	logsv1.RegisterLogsServiceServer(r, &server{s: s})
}

func (v *server) SearchLogs(_ context.Context, in *logsv1.SearchLogsRequest) (*logsv1.SearchLogsResponse, error) {
	q, err := v.query(in)
	if err != nil {
		return nil, err
	}
	found, err := v.s.store.Search(q)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &logsv1.SearchLogsResponse{Logs: found.Logs, NextPageToken: page.Encode(in, found.Next)}, nil
}

// query checks the request and turns it into a Query.
func (v *server) query(in *logsv1.SearchLogsRequest) (Query, error) {
	q := Query{Service: in.GetService(), MinSeverity: in.GetMinSeverityNumber(), Scan: v.s.cfg.ScanLimit}
	var faults rpc.Violations
	var err error
	if in.GetTraceId() != "" {
		q.Trace, err = id.ParseTrace(in.GetTraceId())
		faults.Check("trace_id", err)
	}
	if in.GetTemplateId() != "" {
		var t drain.ID
		err = t.UnmarshalText([]byte(in.GetTemplateId()))
		faults.Check("template_id", err)
		if err == nil {
			v.s.mu.Lock()
			q.Templates = v.s.catalog.resolve(q.Service, t)
			v.s.mu.Unlock()
		}
	}
	faults.Check("service", length(in.GetService(), maxServiceName))
	faults.Check("contains", length(in.GetContains(), maxContains))
	q.Contains = strings.ToLower(in.GetContains())
	faults.Check("min_severity_number", severityRange(in.GetMinSeverityNumber()))
	q.Start, err = instant(in.GetStartTime())
	faults.Check("start_time", err)
	q.End, err = instant(in.GetEndTime())
	faults.Check("end_time", err)
	if !q.Start.IsZero() && !q.End.IsZero() && !q.Start.Before(q.End) {
		faults.Add("end_time", fmt.Sprintf("%s, want later than start_time", q.End.Format(time.RFC3339Nano)))
	}
	q.Limit, err = page.Size(in.GetPageSize(), defaultPage, maxPage)
	faults.Check("page_size", err)
	q.Cursor, err = page.Decode(in, in.GetPageToken())
	if err == nil && q.Cursor != "" && len(q.Cursor) != stampSize {
		err = page.ErrToken
	}
	faults.Check("page_token", err)
	return q, faults.Err()
}

func (v *server) ListTemplates(_ context.Context, in *logsv1.ListTemplatesRequest) (*logsv1.ListTemplatesResponse, error) {
	var faults rpc.Violations
	faults.Check("service", length(in.GetService(), maxServiceName))
	faults.Check("min_severity_number", severityRange(in.GetMinSeverityNumber()))
	after, err := instant(in.GetFirstSeenAfter())
	faults.Check("first_seen_after", err)
	size, err := page.Size(in.GetPageSize(), defaultPage, maxPage)
	faults.Check("page_size", err)
	token, err := page.Decode(in, in.GetPageToken())
	faults.Check("page_token", err)
	last, err := parseCursor(token)
	faults.Check("page_token", err)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	v.s.mu.Lock()
	rows := v.s.catalog.list(func(t *logsv1.LogTemplate) bool {
		return (in.GetService() == "" || t.GetService() == in.GetService()) &&
			t.GetMaxSeverityNumber() >= in.GetMinSeverityNumber() &&
			!t.GetFirstTime().AsTime().Before(after) &&
			last.precedes(t)
	})
	v.s.mu.Unlock()
	next := ""
	if len(rows) > size {
		rows = rows[:size]
		next = makeCursor(rows[size-1])
	}
	return &logsv1.ListTemplatesResponse{Templates: rows, NextPageToken: page.Encode(in, next)}, nil
}

// cursor is the last row of a page of templates. Counts grow between pages: a template that overtakes the cursor
// meanwhile is missed, none is given twice.
type cursor struct {
	set   bool
	count uint64
	id    string
}

func makeCursor(t *logsv1.LogTemplate) string {
	return strconv.FormatUint(t.GetCount(), 10) + " " + t.GetId()
}

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	count, id, _ := strings.Cut(s, " ")
	n, err := strconv.ParseUint(count, 10, 64)
	if _, e := hex.DecodeString(id); err != nil || e != nil || id == "" {
		return cursor{}, page.ErrToken
	}
	return cursor{set: true, count: n, id: id}, nil
}

func (c cursor) precedes(t *logsv1.LogTemplate) bool {
	return !c.set || t.GetCount() < c.count || t.GetCount() == c.count && t.GetId() > c.id
}

func length(s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("%d bytes, want at most %d", len(s), limit)
	}
	return nil
}

func severityRange(n int32) error {
	if !inRange(n) {
		return fmt.Errorf("%d, want 0 to %d", n, maxSeverity)
	}
	return nil
}

// instant gives the time of a field, zero when it is unset.
func instant(t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fmt.Errorf("%d s %d ns, want a time from year 1 to 9999", t.GetSeconds(), t.GetNanos())
	}
	return t.AsTime(), nil
}
