package detect

import "math"

// verdict is what one point says. The zero value is "not judged".
type verdict struct {
	at       int64
	judged   bool
	score    float64 // signed; 0 for a step that does not matter
	value    float64
	expected float64
	scale    float64 // unit of the value
}

// suspect tells that the point may belong to a departure, in the direction of its score.
func (v verdict) suspect(threshold float64) bool { return v.judged && math.Abs(v.score) >= threshold/2 }

// judge takes the distances of a point from the baseline and keeps the least.
func judge(k Kind, b *baseline, o Options, p observation) verdict {
	if b.size() < o.MinBaseline {
		return verdict{}
	}
	median := b.median()
	// A short past shows neither its own spread well nor how far a level wanders: a quarter is added for 8 points.
	short := 1 + 2/float64(b.size())
	floor := k.floor(median, p.weight, p.interval) * short
	v := verdict{at: p.at, judged: true, value: p.value, expected: k.value(median)}
	robust := math.Max(floor, b.deviation()*short)
	v.scale = k.unit(median, robust)
	if !k.matters(v.expected, p.value, p.weight) {
		return v
	}
	v.score = lesser((p.y-median)/robust, (p.y-b.ewma.mean)/math.Max(floor, b.ewma.deviation(o.Alpha)))
	if p.trials > 0 && b.trials > 0 {
		v.score = lesser(v.score, countScore(k, p.events, p.trials, b.events, b.trials))
	}
	return v
}

// lesser gives the one nearer to zero, and zero if they disagree on the direction.
func lesser(a, b float64) float64 {
	if a*b <= 0 || math.IsNaN(a) || math.IsNaN(b) {
		return 0
	}
	return math.Copysign(math.Min(math.Abs(a), math.Abs(b)), a)
}

const (
	// memory is how many verdicts an anomaly may be made of.
	memory = 5
	// carries is the most that one verdict adds, in thresholds: a pause, however long, and a point beside it that is
	// just suspect stay below the threshold, (0.9 + 0.5)/√2 < 1.
	carries = 0.9
)

// opens tells whether the verdicts, latest last, make an anomaly: the latest and at least one more of the last memory
// ones agree, they are most of those since the first of them, and together they reach the threshold. It gives
// Stouffer's sum, signed, and the first verdict that is part of it.
func opens(recent []verdict, threshold float64) (strength float64, first verdict, open bool) {
	last := recent[len(recent)-1]
	agree, sum := 0, 0.0
	for back := 1; back <= len(recent); back++ {
		v := recent[len(recent)-back]
		if !v.suspect(threshold) || v.score*last.score <= 0 {
			continue
		}
		agree++
		sum += math.Copysign(math.Min(math.Abs(v.score), carries*threshold), v.score)
		if z := sum / math.Sqrt(float64(agree)); 2*agree > back && math.Abs(z) > math.Abs(strength) {
			strength, first = z, v
			open = agree >= 2 && math.Abs(z) >= threshold
		}
	}
	return strength, first, open
}
