package detect

import "math"

// countScore is the signed root of twice the log likelihood ratio that the events of a point come from another rate
// than those of the baseline. trials are observations for binomial counts, seconds for Poisson ones. Half an event of
// continuity is given to the baseline's side. The result is close to a standard normal deviate when nothing changed
// (Wilks). In the cases of the tests its log tail is within 16 % of the exact one, and within 30 % for one event, whose
// tail is too heavy to matter here.
func countScore(k Kind, events, trials, baseEvents, baseTrials float64) float64 {
	if trials <= 0 || baseTrials <= 0 {
		return 0
	}
	pooled := (events + baseEvents) / (trials + baseTrials)
	expected := pooled * trials
	sign := 1.0
	switch {
	case events > expected+0.5:
		events -= 0.5
	case events < expected-0.5:
		events += 0.5
		sign = -1
	default:
		return 0
	}
	pooled = (events + baseEvents) / (trials + baseTrials)
	g := divergence(k, events, trials, pooled) + divergence(k, baseEvents, baseTrials, pooled)
	return sign * math.Sqrt(2*math.Max(g, 0))
}

// divergence is the log likelihood of the events at their own rate less that at rate p.
func divergence(k Kind, events, trials, p float64) float64 {
	d := xlogratio(events, p*trials)
	if k == Ratio {
		return d + xlogratio(trials-events, (1-p)*trials)
	}
	return d - (events - p*trials)
}

// xlogratio is x ln(x/y), 0 for x = 0.
func xlogratio(x, y float64) float64 {
	if x <= 0 || y <= 0 {
		return 0
	}
	return x * math.Log(x/y)
}

// normalOf turns a Student t with the given degrees of freedom into the normal deviate with the same tail
// (Wallace 1959). Measured at the deviate of 3.29 it is within 2.1 % for 3 degrees, and closer for more.
func normalOf(t, degrees float64) float64 {
	z := math.Sqrt(degrees * math.Log1p(t*t/degrees))
	return math.Copysign(z*(8*degrees+1)/(8*degrees+3), t)
}

// confidence is the probability that the anomaly is none of chance, if a series has one real departure a day: with E
// the number of departures as strong that noise alone makes a day, 1/(1 + E). strength is Stouffer's sum; few points
// in the baseline make its tail that of a Student t. points is how many points a day has.
func confidence(strength float64, baseline int, points float64) float64 {
	z := normalOf(strength, math.Max(3, float64(baseline)-1))
	chance := math.Erfc(math.Abs(z) / math.Sqrt2)
	return 1 / (1 + points*chance)
}
