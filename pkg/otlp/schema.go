package otlp

// kind is how a field is written, in protobuf and in JSON.
type kind uint8

const (
	kindNone     kind = iota // no such field
	kindMessage              // bytes; an object in JSON
	kindText                 // bytes, UTF-8; a string in JSON
	kindBytes                // bytes; base64 in JSON
	kindID                   // bytes; hex in JSON
	kindBool                 // varint
	kindEnum                 // varint; a number in JSON, read from its name as well
	kindInt32                // varint
	kindUint32               // varint
	kindInt64                // varint
	kindUint64               // varint
	kindSint32               // varint, zigzag
	kindFixed32              // 4 bytes
	kindFixed64              // 8 bytes, unsigned
	kindSfixed64             // 8 bytes, signed
	kindDouble               // 8 bytes
)

// wire is the wire type of a single value of kind k.
func (k kind) wire() uint8 {
	switch k {
	case kindMessage, kindText, kindBytes, kindID:
		return wireBytes
	case kindFixed32:
		return wireFixed32
	case kindFixed64, kindSfixed64, kindDouble:
		return wireFixed64
	}
	return wireVarint
}

// field is what OTLP says about one field of a message.
type field struct {
	name   string // as in the .proto file; in JSON it is written in lowerCamelCase
	kind   kind
	list   bool
	of     messageID // of kindMessage
	enum   []string  // of kindEnum: names by number
	id     uint8     // of kindID: its length if that is checked, else 0
	zeroOK bool      // of kindID: may be all zero
	fault  Fault     // of kindID: what it is if the check fails
}

// message is what OTLP says about one message.
type message struct {
	// fields by number; a number without a name is not in use.
	fields []field
	role   role
	// required has bit n set when an item must have field n.
	required uint32
	// times are the numbers of the fields that say when an item began and when it ended, and of one that stands in for
	// an end that is 0.
	times itemTimes
}

type itemTimes struct{ start, end, instead uint32 }

// role is the place of a message in a request: containers hold containers and items, all else is part of one.
type role uint8

const (
	part      role = iota
	container      // leads to items
	source         // a container of what one resource sent
	item           // is counted, and refused alone: a span, a log record, a data point
)

// field gives the field with a number, or nil.
func (m *message) field(num uint32) *field {
	if num < uint32(len(m.fields)) && m.fields[num].kind != kindNone {
		return &m.fields[num]
	}
	return nil
}

func one(name string, k kind) field          { return field{name: name, kind: k} }
func many(name string, k kind) field         { return field{name: name, kind: k, list: true} }
func object(name string, of messageID) field { return field{name: name, kind: kindMessage, of: of} }
func objects(name string, of messageID) field {
	return field{name: name, kind: kindMessage, of: of, list: true}
}

func enum(name string, names ...string) field { return field{name: name, kind: kindEnum, enum: names} }

func identity(name string, size uint8, f Fault) field {
	return field{name: name, kind: kindID, id: size, fault: f}
}

func optional(f field) field {
	f.zeroOK = true
	return f
}

func temporality() field {
	return enum("aggregation_temporality", "AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA",
		"AGGREGATION_TEMPORALITY_CUMULATIVE")
}

type messageID uint8

const (
	noMessage messageID = iota
	tracesRequest
	resourceSpans
	scopeSpans
	span
	spanEvent
	spanLink
	spanStatus
	logsRequest
	resourceLogs
	scopeLogs
	logRecord
	metricsRequest
	resourceMetrics
	scopeMetrics
	metric
	gauge
	sum
	histogram
	exponentialHistogram
	summary
	numberPoint
	histogramPoint
	exponentialPoint
	exponentialBuckets
	summaryPoint
	quantile
	exemplar
	resource
	entityRef
	scope
	keyValue
	anyValue
	arrayValue
	keyValueList
)

// schema is OTLP 1.11 as far as it is stable: the one place that knows its fields. A test holds it against the
// descriptors of the published protocol.
var schema = [...]message{
	tracesRequest: {role: container, fields: []field{1: objects("resource_spans", resourceSpans)}},
	resourceSpans: {role: source, fields: []field{
		1: object("resource", resource),
		2: objects("scope_spans", scopeSpans),
		3: one("schema_url", kindText),
	}},
	scopeSpans: {role: container, fields: []field{
		1: object("scope", scope),
		2: objects("spans", span),
		3: one("schema_url", kindText),
	}},
	span: {role: item, required: 1<<1 | 1<<2, times: itemTimes{start: 7, end: 8}, fields: []field{
		1: identity("trace_id", 16, FaultTraceID),
		2: identity("span_id", 8, FaultSpanID),
		3: one("trace_state", kindText),
		4: optional(identity("parent_span_id", 8, FaultParentID)),
		5: one("name", kindText),
		6: enum("kind", "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
			"SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"),
		7:  one("start_time_unix_nano", kindFixed64),
		8:  one("end_time_unix_nano", kindFixed64),
		9:  objects("attributes", keyValue),
		10: one("dropped_attributes_count", kindUint32),
		11: objects("events", spanEvent),
		12: one("dropped_events_count", kindUint32),
		13: objects("links", spanLink),
		14: one("dropped_links_count", kindUint32),
		15: object("status", spanStatus),
		16: one("flags", kindFixed32),
	}},
	spanEvent: {fields: []field{
		1: one("time_unix_nano", kindFixed64),
		2: one("name", kindText),
		3: objects("attributes", keyValue),
		4: one("dropped_attributes_count", kindUint32),
	}},
	// The ids of a link are no faults: a bad link is cut out and does not cost its span.
	spanLink: {fields: []field{
		1: one("trace_id", kindID),
		2: one("span_id", kindID),
		3: one("trace_state", kindText),
		4: objects("attributes", keyValue),
		5: one("dropped_attributes_count", kindUint32),
		6: one("flags", kindFixed32),
	}},
	spanStatus: {fields: []field{
		2: one("message", kindText),
		3: enum("code", "STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"),
	}},

	logsRequest: {role: container, fields: []field{1: objects("resource_logs", resourceLogs)}},
	resourceLogs: {role: source, fields: []field{
		1: object("resource", resource),
		2: objects("scope_logs", scopeLogs),
		3: one("schema_url", kindText),
	}},
	scopeLogs: {role: container, fields: []field{
		1: object("scope", scope),
		2: objects("log_records", logRecord),
		3: one("schema_url", kindText),
	}},
	logRecord: {role: item, times: itemTimes{end: 1, instead: 11}, fields: []field{
		1: one("time_unix_nano", kindFixed64),
		2: enum("severity_number", "SEVERITY_NUMBER_UNSPECIFIED",
			"SEVERITY_NUMBER_TRACE", "SEVERITY_NUMBER_TRACE2", "SEVERITY_NUMBER_TRACE3", "SEVERITY_NUMBER_TRACE4",
			"SEVERITY_NUMBER_DEBUG", "SEVERITY_NUMBER_DEBUG2", "SEVERITY_NUMBER_DEBUG3", "SEVERITY_NUMBER_DEBUG4",
			"SEVERITY_NUMBER_INFO", "SEVERITY_NUMBER_INFO2", "SEVERITY_NUMBER_INFO3", "SEVERITY_NUMBER_INFO4",
			"SEVERITY_NUMBER_WARN", "SEVERITY_NUMBER_WARN2", "SEVERITY_NUMBER_WARN3", "SEVERITY_NUMBER_WARN4",
			"SEVERITY_NUMBER_ERROR", "SEVERITY_NUMBER_ERROR2", "SEVERITY_NUMBER_ERROR3", "SEVERITY_NUMBER_ERROR4",
			"SEVERITY_NUMBER_FATAL", "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3", "SEVERITY_NUMBER_FATAL4"),
		3:  one("severity_text", kindText),
		5:  object("body", anyValue),
		6:  objects("attributes", keyValue),
		7:  one("dropped_attributes_count", kindUint32),
		8:  one("flags", kindFixed32),
		9:  optional(identity("trace_id", 16, FaultTraceID)),
		10: optional(identity("span_id", 8, FaultSpanID)),
		11: one("observed_time_unix_nano", kindFixed64),
		12: one("event_name", kindText),
	}},

	metricsRequest: {role: container, fields: []field{1: objects("resource_metrics", resourceMetrics)}},
	resourceMetrics: {role: source, fields: []field{
		1: object("resource", resource),
		2: objects("scope_metrics", scopeMetrics),
		3: one("schema_url", kindText),
	}},
	scopeMetrics: {role: container, fields: []field{
		1: object("scope", scope),
		2: objects("metrics", metric),
		3: one("schema_url", kindText),
	}},
	metric: {role: container, fields: []field{
		1:  one("name", kindText),
		2:  one("description", kindText),
		3:  one("unit", kindText),
		5:  object("gauge", gauge),
		7:  object("sum", sum),
		9:  object("histogram", histogram),
		10: object("exponential_histogram", exponentialHistogram),
		11: object("summary", summary),
		12: objects("metadata", keyValue),
	}},
	gauge:                {role: container, fields: []field{1: objects("data_points", numberPoint)}},
	sum:                  {role: container, fields: []field{1: objects("data_points", numberPoint), 2: temporality(), 3: one("is_monotonic", kindBool)}},
	histogram:            {role: container, fields: []field{1: objects("data_points", histogramPoint), 2: temporality()}},
	exponentialHistogram: {role: container, fields: []field{1: objects("data_points", exponentialPoint), 2: temporality()}},
	summary:              {role: container, fields: []field{1: objects("data_points", summaryPoint)}},
	numberPoint: {role: item, times: itemTimes{start: 2, end: 3}, fields: []field{
		2: one("start_time_unix_nano", kindFixed64),
		3: one("time_unix_nano", kindFixed64),
		4: one("as_double", kindDouble),
		5: objects("exemplars", exemplar),
		6: one("as_int", kindSfixed64),
		7: objects("attributes", keyValue),
		8: one("flags", kindUint32),
	}},
	histogramPoint: {role: item, times: itemTimes{start: 2, end: 3}, fields: []field{
		2:  one("start_time_unix_nano", kindFixed64),
		3:  one("time_unix_nano", kindFixed64),
		4:  one("count", kindFixed64),
		5:  one("sum", kindDouble),
		6:  many("bucket_counts", kindFixed64),
		7:  many("explicit_bounds", kindDouble),
		8:  objects("exemplars", exemplar),
		9:  objects("attributes", keyValue),
		10: one("flags", kindUint32),
		11: one("min", kindDouble),
		12: one("max", kindDouble),
	}},
	exponentialPoint: {role: item, times: itemTimes{start: 2, end: 3}, fields: []field{
		1:  objects("attributes", keyValue),
		2:  one("start_time_unix_nano", kindFixed64),
		3:  one("time_unix_nano", kindFixed64),
		4:  one("count", kindFixed64),
		5:  one("sum", kindDouble),
		6:  one("scale", kindSint32),
		7:  one("zero_count", kindFixed64),
		8:  object("positive", exponentialBuckets),
		9:  object("negative", exponentialBuckets),
		10: one("flags", kindUint32),
		11: objects("exemplars", exemplar),
		12: one("min", kindDouble),
		13: one("max", kindDouble),
		14: one("zero_threshold", kindDouble),
	}},
	exponentialBuckets: {fields: []field{
		1: one("offset", kindSint32),
		2: many("bucket_counts", kindUint64),
	}},
	summaryPoint: {role: item, times: itemTimes{start: 2, end: 3}, fields: []field{
		2: one("start_time_unix_nano", kindFixed64),
		3: one("time_unix_nano", kindFixed64),
		4: one("count", kindFixed64),
		5: one("sum", kindDouble),
		6: objects("quantile_values", quantile),
		7: objects("attributes", keyValue),
		8: one("flags", kindUint32),
	}},
	quantile: {fields: []field{1: one("quantile", kindDouble), 2: one("value", kindDouble)}},
	exemplar: {fields: []field{
		2: one("time_unix_nano", kindFixed64),
		3: one("as_double", kindDouble),
		4: one("span_id", kindID),
		5: one("trace_id", kindID),
		6: one("as_int", kindSfixed64),
		7: objects("filtered_attributes", keyValue),
	}},

	resource: {fields: []field{
		1: objects("attributes", keyValue),
		2: one("dropped_attributes_count", kindUint32),
		3: objects("entity_refs", entityRef),
	}},
	entityRef: {fields: []field{
		1: one("schema_url", kindText),
		2: one("type", kindText),
		3: many("id_keys", kindText),
		4: many("description_keys", kindText),
	}},
	scope: {fields: []field{
		1: one("name", kindText),
		2: one("version", kindText),
		3: objects("attributes", keyValue),
		4: one("dropped_attributes_count", kindUint32),
	}},
	keyValue: {fields: []field{
		1: one("key", kindText),
		2: object("value", anyValue),
		3: one("key_strindex", kindInt32),
	}},
	anyValue: {fields: []field{
		1: one("string_value", kindText),
		2: one("bool_value", kindBool),
		3: one("int_value", kindInt64),
		4: one("double_value", kindDouble),
		5: object("array_value", arrayValue),
		6: object("kvlist_value", keyValueList),
		7: one("bytes_value", kindBytes),
		8: one("string_value_strindex", kindInt32),
	}},
	arrayValue:   {fields: []field{1: objects("values", anyValue)}},
	keyValueList: {fields: []field{1: objects("values", keyValue)}},
}
