package otlp

import "unicode/utf8"

// Numbers of OTLP's SpanKind and StatusCode.
const (
	KindInternal uint8 = 1
	KindServer   uint8 = 2
	KindClient   uint8 = 3
	KindProducer uint8 = 4
	KindConsumer uint8 = 5

	StatusOK    uint8 = 1
	StatusError uint8 = 2
)

// scan fills s from the message at s.Raw. Of a field that is given twice the last counts, as in protobuf.
func (s *Span) scan(b []byte, level Level) (int, reason) {
	traceLen, spanLen, parentLen := 0, 0, 0
	c := over(b, s.Raw)
	for c.next() {
		switch uint64(c.num)<<3 | uint64(c.typ) {
		case 1<<3 | wireBytes:
			traceLen = copyID(s.Trace[:], c.value())
		case 2<<3 | wireBytes:
			spanLen = copyID(s.ID[:], c.value())
		case 3<<3 | wireBytes:
			s.State = c.at()
		case 4<<3 | wireBytes:
			parentLen = copyID(s.Parent[:], c.value())
		case 5<<3 | wireBytes:
			s.Name = c.at()
		case 6<<3 | wireVarint:
			s.Kind = small(c.val)
		case 7<<3 | wireFixed64:
			s.Start = c.val
		case 8<<3 | wireFixed64:
			s.End = c.val
		case 9<<3 | wireBytes:
			s.Attrs += 1 + c.more()
		case 11<<3 | wireBytes:
			s.Events++
		case 13<<3 | wireBytes:
			s.Links++
		case 15<<3 | wireBytes:
			if at, bad := s.scanStatus(b, c.at()); bad != framed {
				return at, bad
			}
		case 16<<3 | wireFixed32:
			s.Flags = uint32(c.val)
		}
	}
	switch {
	case c.bad != framed || level == LevelFraming:
	case level == LevelAll:
		return s.judge(b)
	case traceLen != len(s.Trace) || s.Trace.IsZero():
		s.Fault = FaultTraceID
	case spanLen != len(s.ID) || s.ID.IsZero():
		s.Fault = FaultSpanID
	case parentLen != 0 && parentLen != len(s.Parent):
		s.Fault = FaultParentID
	case !validText(b, s.Name) || !validText(b, s.State):
		s.Fault = FaultUTF8
	}
	return c.start, c.bad
}

// judge finds what Request would find.
func (s *Span) judge(b []byte) (at int, bad reason) {
	if _, ok := quickSpan(b[s.Raw.Off : s.Raw.Off+s.Raw.Len]); !ok {
		s.Fault, at, bad = judge(b, span, s.Raw)
	}
	return at, bad
}

func validText(b []byte, r Range) bool { return utf8.Valid(b[r.Off : r.Off+r.Len]) }

func (s *Span) scanStatus(b []byte, r Range) (int, reason) {
	c := over(b, r)
	for c.next() {
		if c.num == 3 && c.typ == wireVarint {
			s.Status = small(c.val)
		}
	}
	return c.start, c.bad
}

// small reads an enum of OTLP; the bytes keep what does not fit.
func small(v uint64) uint8 {
	if uint32(v) > 255 {
		return 0
	}
	return uint8(v)
}
