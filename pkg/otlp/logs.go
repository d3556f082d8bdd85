package otlp

import (
	"cmp"
	"iter"

	"github.com/triflow/triflow/pkg/id"
)

// LogRecord is a view of one log record.
type LogRecord struct {
	// Trace and Span are zero for a record that belongs to none.
	Trace id.Trace
	Span  id.Span
	// Time and Observed are in ns since 1970, as sent; 0 is not said.
	Time, Observed uint64
	// Body is an AnyValue; see Logs.Body.
	Body Range
	// SeverityText and EventName are texts.
	SeverityText, EventName Range
	// Raw is the LogRecord message, without its tag and length.
	Raw Range
	// Flags are the W3C trace flags in the low 8 bits.
	Flags uint32
	// Resource and Scope are indexes into the Logs that this view belongs to.
	Resource, Scope int32
	// Attrs counts the attributes.
	Attrs uint32
	// Severity is the number of OTLP, 1 to 24; 0 is not said, and one above 255 is read as 0.
	Severity uint8
	// Fault is zero, or the first reason found why the record is no good.
	Fault Fault
}

// Impossible tells that the record says neither when it happened nor when it was observed.
func (l *LogRecord) Impossible() bool { return times{end: cmp.Or(l.Time, l.Observed)}.impossible() }

// Logs is a view of an ExportLogsServiceRequest or a LogsData: they are the same on the wire. The zero value is ready
// for Scan. One goroutine at a time may scan; many may read.
type Logs struct {
	Groups
	// Records has every log record, in order.
	Records []LogRecord
}

// Scan makes l a view of b, which must not change while l is used. The error is a *Malformed.
func (l *Logs) Scan(b []byte, level Level) error {
	l.Records = l.Records[:0]
	return l.scan(logsRequest, b, level, l)
}

func (l *Logs) add(scope int32, rng Range) (int, reason) {
	l.Records = append(l.Records, LogRecord{Raw: rng, Resource: int32(len(l.Resources)) - 1, Scope: scope})
	return l.Records[len(l.Records)-1].scan(l.Bytes, l.level)
}

func (l *Logs) count() int { return len(l.Records) }

func (l *Logs) blame(from int, f Fault) {
	for i := from; i < len(l.Records); i++ {
		l.Records[i].Fault = worse(l.Records[i].Fault, f)
	}
}

// Body gives what a record says, which may be of any kind.
func (l *Logs) Body(r *LogRecord) Value { return ValueOf(l.BytesOf(r.Body)) }

// RecordAttr finds an attribute of a record. It allocates nothing.
func (l *Logs) RecordAttr(r *LogRecord, key string) (Value, bool) {
	return findAttr(l.Bytes, r.Raw, 6, key)
}

// RecordAttrs yields the attributes of a record; the keys are part of l.Bytes.
func (l *Logs) RecordAttrs(r *LogRecord) iter.Seq2[[]byte, Value] {
	return attrs(l.Bytes, r.Raw, 6)
}

// scan fills l from the message at l.Raw. Of a field that is given twice the last counts, as in protobuf.
func (l *LogRecord) scan(b []byte, level Level) (int, reason) {
	traceLen, spanLen := 0, 0
	c := over(b, l.Raw)
	for c.next() {
		switch uint64(c.num)<<3 | uint64(c.typ) {
		case 1<<3 | wireFixed64:
			l.Time = c.val
		case 2<<3 | wireVarint:
			l.Severity = small(c.val)
		case 3<<3 | wireBytes:
			l.SeverityText = c.at()
		case 5<<3 | wireBytes:
			l.Body = c.at()
		case 6<<3 | wireBytes:
			l.Attrs += 1 + c.more()
		case 8<<3 | wireFixed32:
			l.Flags = uint32(c.val)
		case 9<<3 | wireBytes:
			traceLen = copyID(l.Trace[:], c.value())
		case 10<<3 | wireBytes:
			spanLen = copyID(l.Span[:], c.value())
		case 11<<3 | wireFixed64:
			l.Observed = c.val
		case 12<<3 | wireBytes:
			l.EventName = c.at()
		}
	}
	switch {
	case c.bad != framed || level == LevelFraming:
	case level == LevelAll:
		var at int
		l.Fault, at, c.bad = judge(b, logRecord, l.Raw)
		return at, c.bad
	case traceLen != 0 && traceLen != len(l.Trace):
		l.Fault = FaultTraceID
	case spanLen != 0 && spanLen != len(l.Span):
		l.Fault = FaultSpanID
	case !validText(b, l.SeverityText) || !validText(b, l.EventName):
		l.Fault = FaultUTF8
	}
	return c.start, c.bad
}

// copyID takes an id over if it has the right length, and zeros if not. It gives the length that it has.
func copyID(dst, from []byte) int {
	if len(from) == len(dst) {
		copy(dst, from)
	} else {
		clear(dst)
	}
	return len(from)
}
