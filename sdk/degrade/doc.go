// Package degrade is a span exporter that says less about each span when the path behind it is in trouble, so that more
// spans get through.
//
//	slim, err := degrade.New(exporter, degrade.WithKeys("http.request.body", "http.response.body"))
//	…
//	spans, err := processor.New(slim)
//	…
//	slim.Follow(spans.Pressure, time.Second)
//
// What it leaves out is a set of flags:
//
//	Values   an attribute with one of the keys, or with a string longer than the limit, becomes <key>.size, an integer: the
//	         bytes of the value, or of its text if it is neither a string nor bytes. This goes for the attributes of
//	         spans and of their events. A <key>.size that is there already stays
//	Events   the events go; the span's count of dropped events grows by their number
//	Links    the links go; the span's count of dropped links grows by their number
//
// The flags in force are those that were Set, at any time, and those of the level that pressure has led to: level 0 leaves
// out nothing, 1 Values, 2 Events too, 3 Links too. While the path is under pressure the level rises by one per interval,
// and it falls when there is room, see package pressure. It is read when spans are exported; while there are none it stays.
//
// Identity, name, times, status and parent of a span are never touched, nor are the spans that other processors see.
package degrade
