package otlp

// Fault says why an item (a span, a log record, a data point) is refused while its neighbours are taken. The zero
// value is no fault. The set is closed; String gives its word for metrics and the API.
type Fault uint8

const (
	// FaultTraceID is a trace id that is not 16 bytes, or all zero where it is required.
	FaultTraceID Fault = iota + 1
	// FaultSpanID is a span id that is not 8 bytes, or all zero where it is required.
	FaultSpanID
	// FaultParentID is a parent span id of neither 0 nor 8 bytes.
	FaultParentID
	// FaultUTF8 is a text that is not UTF-8.
	FaultUTF8
	// FaultDepth is a value nested deeper than MaxDepth.
	FaultDepth
	// FaultCount is more than MaxCount elements in the lists of one message.
	FaultCount
	// FaultBuckets is a histogram point whose bucket counts do not fit its bounds.
	FaultBuckets
	// FaultValue is a JSON value that does not fit its field.
	FaultValue
)

// MaxDepth bounds how deep AnyValues nest, in JSON the whole document.
const MaxDepth = 64

// MaxCount bounds the elements that the lists of one message have together: the attributes, events and links of a
// span, the values of an array.
const MaxCount = 1 << 14

// MaxFaults bounds the places in a request that are faulty or mended, where neighbours with one fault are one place. It
// bounds the memory that Request keeps of them, and with it how much what is mended grows.
const MaxFaults = 1 << 16

// MaxSources bounds the resources in a request.
const MaxSources = 1 << 16

// String is the word for f.
func (f Fault) String() string {
	switch f {
	case FaultTraceID:
		return "trace_id"
	case FaultSpanID:
		return "span_id"
	case FaultParentID:
		return "parent_span_id"
	case FaultUTF8:
		return "utf8"
	case FaultDepth:
		return "depth"
	case FaultCount:
		return "count"
	case FaultBuckets:
		return "buckets"
	case FaultValue:
		return "value"
	}
	return "none"
}
