package detect

// light adds up points with too few observations to say anything, until together they have enough. The zero value is
// empty. Rates and gauges, and points of unknown weight, need none of it.
type light struct {
	weight  float64
	sum     float64 // of value · weight
	weighed bool    // the series states its observations, so that none stated means none made
}

// join gives the point, or all light ones up to it together, as it is examined; false if it is too light still. gap is
// the time since the last point in seconds, 0 for the first.
func (l *light) join(k Kind, p Point, gap float64) (observation, bool) {
	if p.Weight > 0 && noises[k].minWeight > 0 {
		l.weighed = true
		l.weight += p.Weight
		l.sum += p.Value * p.Weight
		if l.weight < noises[k].minWeight {
			return observation{}, false
		}
		p.Value, p.Weight = l.sum/l.weight, l.weight
	} else if p.Weight == 0 && l.weighed {
		return observation{}, false
	}
	*l = light{weighed: l.weighed}
	o := observation{at: p.At, value: p.Value, weight: p.Weight, interval: interval(k, p, gap)}
	o.y = k.domain(p.Value)
	switch {
	case k == Ratio:
		o.events, o.trials = p.Value*p.Weight, p.Weight
	case k == Rate && (p.Weight > 0 || p.Value == 0):
		o.events, o.trials = p.Value*o.interval, o.interval
	}
	return o, true
}

// interval is how many seconds the point of a rate covers: what its count says, else the time since the last one.
func interval(k Kind, p Point, gap float64) float64 {
	switch {
	case k == Rate && p.Weight > 0 && p.Value > 0:
		return p.Weight / p.Value
	case gap > 0:
		return gap
	}
	return 1
}
