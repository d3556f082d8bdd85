package detect

import "math"

// Point is one value at the end of its interval.
type Point struct {
	At     int64 // Unix ns
	Value  float64
	Weight float64 // observations behind the value; 0: not known
}

// Result says what became of a point.
type Result int

// The results.
const (
	Taken     Result = iota
	Late             // at or before the last point
	NotFinite        // NaN, infinite, or a weight that is not or is negative
)

// Change says what a point did to the anomaly of its series.
type Change int

// The changes.
const (
	None Change = iota
	Opened
	Grew
	Closed
)

// Anomaly is a stretch in which the series is away from its past. Times are Unix ns.
type Anomaly struct {
	Up         bool
	Score      float64 // largest distance so far, absolute
	Value      float64 // where that was
	Expected   float64 // median of the baseline then
	Scale      float64 // of the baseline, in the unit of the value
	Confidence float64 // of the strongest evidence so far
	Start      int64
	Last       int64
	End        int64 // 0 while it goes on
}

// Series follows one series. It belongs to one goroutine at a time.
type Series struct {
	kind    Kind
	options Options
	base    baseline
	points  []Point // oldest first, at most options.Keep
	light   light
	guard   []waiting
	recent  []verdict // the last ones judged
	open    *Anomaly
	calm    int      // good points in a row while open
	apart   []sample // kept out of the baseline by the open anomaly
}

// observation is a point, or several light ones together, as it is examined.
type observation struct {
	at       int64
	value    float64
	weight   float64
	interval float64 // seconds
	sample
}

// waiting is a point in the guard.
type waiting struct {
	sample
	at      int64
	suspect bool
}

// New makes the series of the given kind.
func New(k Kind, o Options) *Series {
	return &Series{kind: k, options: o, base: baseline{window: o.Window}}
}

// Points gives what is kept, oldest first; it stays valid until the next Add.
func (s *Series) Points() []Point { return s.points }

// LastAt is the time of the latest point, 0 without one.
func (s *Series) LastAt() int64 {
	if len(s.points) == 0 {
		return 0
	}
	return s.points[len(s.points)-1].At
}

// Due tells when the point after the latest is overdue, in Unix ns: after three of the gaps between the last ones.
func (s *Series) Due() int64 { return s.LastAt() + int64(3*meanGap(s.points)) }

// Open gives the anomaly that goes on, or nil.
func (s *Series) Open() *Anomaly { return s.open }

// Add takes a point in. On a change it gives the anomaly as it is then.
func (s *Series) Add(p Point) (Result, Change, Anomaly) {
	switch {
	case !finite(p.Value) || !finite(p.Weight) || p.Weight < 0:
		return NotFinite, None, Anomaly{}
	case len(s.points) > 0 && p.At <= s.LastAt():
		return Late, None, Anomaly{}
	}
	gap := 0.0
	if len(s.points) > 0 {
		gap = float64(p.At-s.LastAt()) / 1e9
	}
	s.keep(p)
	if s.kind == Shown {
		return Taken, None, Anomaly{}
	}
	o, enough := s.light.join(s.kind, p, gap)
	if !enough {
		return Taken, None, Anomaly{}
	}
	v := judge(s.kind, &s.base, s.options, o)
	change, a := s.follow(v)
	if accepted := s.learn(o, v); accepted && s.open != nil {
		change, a = Closed, s.end(o.at)
	}
	return Taken, change, a
}

// Silence ends the open anomaly because no point came any more; at is the time to give as its end.
func (s *Series) Silence(at int64) (Change, Anomaly) {
	if s.open == nil {
		return None, Anomaly{}
	}
	return Closed, s.end(at)
}

// Quiet gives a new rate the past that it had before its first event, which is p: zeros since then, one for each interval
// of p, at most a window of them. p itself is still to be added.
func (s *Series) Quiet(since int64, p Point) {
	step := int64(interval(s.kind, p, 0) * 1e9)
	if step <= 0 || len(s.points) > 0 {
		return
	}
	for n := min((p.At-since)/step, int64(s.options.Window)); n > 0; n-- {
		s.Add(Point{At: p.At - n*step})
	}
}

func (s *Series) keep(p Point) {
	if len(s.points) == s.options.Keep {
		copy(s.points, s.points[1:])
		s.points = s.points[:len(s.points)-1]
	}
	s.points = append(s.points, p)
}

// follow moves the anomaly on by one verdict.
func (s *Series) follow(v verdict) (Change, Anomaly) {
	if !v.judged {
		return None, Anomaly{}
	}
	if len(s.recent) == memory {
		s.recent = append(s.recent[:0], s.recent[1:]...)
	}
	s.recent = append(s.recent, v)
	strength, first, opens := opens(s.recent, s.options.Threshold)
	if s.open == nil {
		if !opens {
			return None, Anomaly{}
		}
		s.open, s.calm = &Anomaly{Up: v.score > 0, Start: first.at}, 0
		s.grow(first, strength)
		s.grow(v, strength)
		return Opened, *s.open
	}
	if v.suspect(s.options.Threshold) && v.score > 0 == s.open.Up {
		s.calm = 0
		s.grow(v, strength)
		return Grew, *s.open
	}
	if s.calm++; s.calm >= s.options.Close {
		return Closed, s.end(v.at)
	}
	return None, Anomaly{}
}

// grow adds a verdict to the open anomaly. The score is never below what opened it.
func (s *Series) grow(v verdict, strength float64) {
	a := s.open
	a.Last = v.at
	score := math.Abs(v.score)
	if a.Score == 0 || score > a.Score {
		a.Score, a.Value, a.Expected, a.Scale = score, v.value, v.expected, v.scale
	}
	a.Score = math.Max(a.Score, s.options.Threshold)
	a.Confidence = math.Max(a.Confidence, confidence(strength, s.base.size(), pointsPerDay(s.points)))
}

func (s *Series) end(at int64) Anomaly {
	a := *s.open
	a.End = at
	s.open, s.calm, s.apart = nil, 0, nil
	s.recent = s.recent[:0]
	return a
}

// learn passes the point through the guard into the baseline, or beside it. It tells whether the series has been away
// for so long that this is its level now.
func (s *Series) learn(o observation, v verdict) (accepted bool) {
	s.guard = append(s.guard, waiting{sample: o.sample, at: o.at, suspect: v.suspect(s.options.Threshold)})
	if len(s.guard) <= s.options.Guard {
		return false
	}
	w := s.guard[0]
	s.guard = append(s.guard[:0], s.guard[1:]...)
	if s.open == nil || !w.suspect || w.at < s.open.Start {
		s.base.add(w.sample, s.options.Alpha)
		return false
	}
	if s.apart = append(s.apart, w.sample); len(s.apart) < s.options.Accept {
		return false
	}
	s.base = baseline{window: s.options.Window}
	for _, apart := range s.apart {
		s.base.add(apart, s.options.Alpha)
	}
	return true
}

// pointsPerDay goes by the last points.
func pointsPerDay(points []Point) float64 {
	const day = 86400e9
	if gap := meanGap(points); gap > 0 {
		return math.Max(1, day/gap)
	}
	return 1
}

// meanGap is the mean time between the last points in ns; 0 if there are fewer than two.
func meanGap(points []Point) float64 {
	n := min(len(points), 10)
	if n < 2 {
		return 0
	}
	return float64(points[len(points)-1].At-points[len(points)-n].At) / float64(n-1)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
