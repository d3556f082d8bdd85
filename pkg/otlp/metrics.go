package otlp

import (
	"iter"
	"unicode/utf8"
)

// MetricKind says what the points of a metric are. Its numbers are those of the fields of Metric.
type MetricKind uint8

// The kinds of metrics. A metric without data, or with data of a kind that is new, is of MetricNone and has no points.
const (
	MetricNone        MetricKind = 0
	MetricGauge       MetricKind = 5
	MetricSum         MetricKind = 7
	MetricHistogram   MetricKind = 9
	MetricExponential MetricKind = 10
	MetricSummary     MetricKind = 11
)

// Numbers of OTLP's AggregationTemporality.
const (
	TemporalityDelta      uint8 = 1
	TemporalityCumulative uint8 = 2
)

// Metric is a view of one metric: what its points have in common.
type Metric struct {
	// Name, Description and Unit are texts.
	Name, Description, Unit Range
	// Raw is the Metric message, without its tag and length.
	Raw Range
	// Resource and Scope are indexes into the Metrics that this view belongs to.
	Resource, Scope int32
	// Points counts its data points, of which First is the index of the first one in Metrics.Points.
	First, Points int32
	Kind          MetricKind
	// Temporality is the number of OTLP, and 0 where it is not said; a number above 255 is read as 0.
	Temporality uint8
	// Monotonic tells that a sum never falls.
	Monotonic bool

	frame, data frame
}

// Metrics is a view of an ExportMetricsServiceRequest or a MetricsData: they are the same on the wire. The zero value is
// ready for Scan. One goroutine at a time may scan; many may read.
type Metrics struct {
	Groups
	// Metrics has every metric, and Points the data points of all of them, in order.
	Metrics []Metric
	Points  []Point
}

// Scan makes m a view of b, which must not change while m is used. The error is a *Malformed.
func (m *Metrics) Scan(b []byte, level Level) error {
	m.Metrics, m.Points = m.Metrics[:0], m.Points[:0]
	return m.scan(metricsRequest, b, level, m)
}

// PointsOf gives the points of a metric: a part of m.Points.
func (m *Metrics) PointsOf(of *Metric) []Point { return m.Points[of.First : of.First+of.Points] }

// Metadata yields the attributes of a metric itself; the keys are part of m.Bytes.
func (m *Metrics) Metadata(of *Metric) iter.Seq2[[]byte, Value] { return attrs(m.Bytes, of.Raw, 12) }

func (m *Metrics) count() int { return len(m.Points) }

func (m *Metrics) blame(from int, f Fault) {
	for i := from; i < len(m.Points); i++ {
		m.Points[i].Fault = worse(m.Points[i].Fault, f)
	}
}

// add views the metric at rng, with its points.
func (m *Metrics) add(scope int32, rng Range) (int, reason) {
	of := Metric{Raw: rng, Resource: int32(len(m.Resources)) - 1, Scope: scope, First: int32(len(m.Points)), frame: frameOf(metric, rng)}
	fault := Fault(0)
	c := over(m.Bytes, of.Raw)
	for c.next() {
		if c.typ != wireBytes {
			continue
		}
		at, bad := c.start, framed
		switch c.num {
		case 1:
			of.Name = c.at()
		case 2:
			of.Description = c.at()
		case 3:
			of.Unit = c.at()
		case 5, 7, 9, 10, 11:
			if of.Kind != MetricNone {
				return c.start, of.Kind.again(c.num)
			}
			at, bad = m.addData(&of, &c)
		}
		if bad == framed && m.level == LevelAll {
			var f Fault
			f, at, bad = m.judgeHead(&c)
			fault = worse(fault, f)
		}
		if bad != framed {
			return at, bad
		}
	}
	m.Metrics = append(m.Metrics, of)
	if m.level == LevelFields && !(validText(m.Bytes, of.Name) && validText(m.Bytes, of.Description) && validText(m.Bytes, of.Unit)) {
		fault = FaultUTF8
	}
	if fault != 0 {
		m.blame(int(of.First), fault)
	}
	return c.start, c.bad
}

// judgeHead looks at LevelAll into what the field that c is at says of a metric.
func (m *Metrics) judgeHead(c *cursor) (f Fault, at int, bad reason) {
	switch {
	case c.num == 12:
		return judge(m.Bytes, keyValue, c.at())
	case c.num < 4 && !utf8.Valid(c.value()):
		return FaultUTF8, 0, framed
	}
	return 0, 0, framed
}

// addData views what holds the points of a metric.
func (m *Metrics) addData(of *Metric, field *cursor) (int, reason) {
	of.frame.hold(field)
	of.Kind = MetricKind(field.num)
	of.frame.kind = of.Kind
	of.data = frameOf(of.Kind.data(), field.at())
	c := over(m.Bytes, field.at())
	for c.next() {
		switch {
		case c.num == 1 && c.typ == wireBytes:
			of.data.hold(&c)
			of.Points++
			m.Points = append(m.Points, Point{Raw: c.at(), Metric: int32(len(m.Metrics))})
			if at, bad := m.Points[len(m.Points)-1].scan(m.Bytes, of.Kind, m.level); bad != framed {
				return at, bad
			}
		case c.num == 2 && c.typ == wireVarint && of.Kind != MetricGauge && of.Kind != MetricSummary:
			of.Temporality = small(c.val)
		case c.num == 3 && c.typ == wireVarint && of.Kind == MetricSum:
			of.Monotonic = c.val != 0
		}
	}
	return c.start, c.bad
}

// again is why a metric with data of kind k may have none in a field.
func (k MetricKind) again(num uint32) reason {
	if num == uint32(k) {
		return givenTwice
	}
	return secondKind
}

// data is the message that holds points of kind k, and point what one of them is.
func (k MetricKind) data() messageID  { return schema[metric].fields[k].of }
func (k MetricKind) point() messageID { return schema[k.data()].fields[1].of }
