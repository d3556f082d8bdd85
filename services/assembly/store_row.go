package assembly

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
)

// errRow says that the bytes of a row are not what appendRow writes.
var errRow = errors.New("row is damaged")

// rowVersion is the first byte of a row on disk:
//
//	version, length of the summary, summary, groups × (service, operation, failed), more
const rowVersion = 1

// appendRow writes a row.
func appendRow(dst []byte, r *Row) ([]byte, error) {
	summary, err := proto.Marshal(r.Summary)
	if err != nil {
		return nil, fmt.Errorf("encode summary of trace %s: %w", r.Summary.GetTraceId(), err)
	}
	dst = appendText(append(dst, rowVersion), summary)
	dst = binary.AppendUvarint(dst, uint64(len(r.Groups)))
	for _, g := range r.Groups {
		dst = appendText(appendText(dst, []byte(g.Service)), []byte(g.Operation))
		dst = appendFlag(dst, g.Failed)
	}
	return appendFlag(dst, r.More), nil
}

// parseRow reads a row; it keeps nothing of b.
func parseRow(b []byte) (*Row, error) {
	if len(b) == 0 || b[0] != rowVersion {
		return nil, errRow
	}
	r := reader{b: b[1:]}
	row := &Row{Summary: new(assemblyv1.TraceSummary)}
	if err := proto.Unmarshal(r.text(), row.Summary); err != nil {
		return nil, errors.Join(errRow, err)
	}
	n := r.uvarint()
	if n > maxGroups {
		return nil, errRow
	}
	for range n {
		row.Groups = append(row.Groups, Group{Service: string(r.text()), Operation: string(r.text()), Failed: r.flag()})
	}
	row.More = r.flag()
	if r.bad {
		return nil, errRow
	}
	return row, nil
}

// start of the trace.
func (r *Row) start() time.Time { return r.Summary.GetStartTime().AsTime() }

// matches tells whether a row fits all of a query but the attributes, and whether the spans must be looked at to be sure.
func (r *Row) matches(q *Query) (fits, look bool) {
	d := r.Summary.GetDuration().AsDuration()
	switch start := r.start(); {
	case d < q.MinDuration, q.MaxDuration > 0 && d > q.MaxDuration:
		return false, false
	case !q.From.IsZero() && start.Before(q.From), !q.Until.IsZero() && !start.Before(q.Until):
		return false, false
	case q.Service != "" && !slices.Contains(r.Summary.GetServices(), q.Service):
		return false, false
	}
	named, failed := q.Operation == "", false
	for _, g := range r.Groups {
		if q.Service != "" && g.Service != q.Service {
			continue
		}
		failed = failed || g.Failed
		named = named || g.Operation == q.Operation
	}
	if q.Service == "" {
		failed = r.Summary.GetErrorCount() > 0
	}
	unsure := r.More && (!named || q.Service != "" && !failed && q.Status != 0)
	switch {
	case !named && !r.More:
		return false, false
	case !unsure && q.Status == assemblyv1.StatusFilter_STATUS_FILTER_ERROR && !failed:
		return false, false
	case q.Status == assemblyv1.StatusFilter_STATUS_FILTER_OK && failed:
		return false, false
	}
	return true, unsure || len(q.Attributes) > 0
}

func appendText(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendFlag(dst []byte, f bool) []byte {
	if f {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// reader reads what the append functions write. After the first fault everything it gives is zero, and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	t := r.b[:n]
	r.b = r.b[n:]
	return t
}

func (r *reader) flag() bool {
	if len(r.b) == 0 {
		r.bad = true
		return false
	}
	f := r.b[0] != 0
	r.b = r.b[1:]
	return f
}
