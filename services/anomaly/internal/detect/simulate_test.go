package detect

import (
	"math"
	"math/rand/v2"
	"slices"
)

// settings are the defaults of the service, which its own test compares.
func settings() Options {
	return Options{Threshold: 6, Window: 240, MinBaseline: 8, Guard: 2, Alpha: 0.1, Close: 3, Accept: 360, Keep: 720}
}

// model makes the points of one kind of series, five seconds apart. level scales what is normal.
type model struct {
	name  string
	kind  Kind
	point func(rng *rand.Rand, level float64) Point
	step  float64 // the level of an injected fault
	light bool    // two or more points make one
	rough bool    // noise that the detectors do not assume
}

func models() []model {
	latency := func(perPoint, sigma float64) func(*rand.Rand, float64) Point {
		return func(rng *rand.Rand, level float64) Point {
			n := poisson(rng, perPoint)
			if n == 0 {
				return Point{}
			}
			values := make([]float64, n)
			for i := range values {
				values[i] = 0.02 * level * math.Exp(sigma*rng.NormFloat64())
			}
			slices.Sort(values)
			return Point{Value: values[(n*9)/10], Weight: float64(n)}
		}
	}
	ratio := func(perPoint, p float64) func(*rand.Rand, float64) Point {
		return func(rng *rand.Rand, level float64) Point {
			n := poisson(rng, perPoint)
			k := 0
			for range n {
				if rng.Float64() < math.Min(p*level, 1) {
					k++
				}
			}
			if n == 0 {
				return Point{}
			}
			return Point{Value: float64(k) / float64(n), Weight: float64(n)}
		}
	}
	rate := func(perPoint float64) func(*rand.Rand, float64) Point {
		return func(rng *rand.Rand, level float64) Point {
			n := float64(poisson(rng, perPoint*level))
			return Point{Value: n / 5, Weight: n}
		}
	}
	return []model{
		{"rate of 20/s", Rate, rate(100), 2, false, false},
		{"rate of 1/s", Rate, rate(5), 6, false, false},
		{"rate of 1 in 30 s", Rate, rate(0.17), 60, false, false},
		{"p90 of 100", Duration, latency(100, 0.5), 2.5, false, false},
		{"p90 of 10", Duration, latency(10, 0.5), 5, false, false},
		{"p90 of 2, heavy", Duration, latency(2, 0.9), 40, true, false},
		{"error ratio 1 % of 100", Ratio, ratio(100, 0.01), 20, false, false},
		{"error ratio 0.1 % of 10", Ratio, ratio(10, 0.001), 500, false, false},
		{"error ratio 5 % of 20", Ratio, ratio(20, 0.05), 12, false, false},
		{"root ratio 100 % of 100", Ratio, ratio(100, 1), 0.1, false, false},
		{"fan-out of 1.2 in 50", Fanout, func(rng *rand.Rand, level float64) Point {
			n := 1 + poisson(rng, 50)
			return Point{Value: float64(n+poisson(rng, float64(n)*(1.2*level-1))) / float64(n), Weight: float64(n)}
		}, 2, false, false},
		{"p90 of 100, drifting and with pauses", Duration, drifting(), 6, false, true},
		{"utilisation, noisy", Utilization, func(rng *rand.Rand, level float64) Point {
			return Point{Value: math.Min(0.97, math.Max(0, 0.2*level+0.05*rng.NormFloat64()))}
		}, 4.5, false, false},
		{"gauge, normal noise", Gauge, func(rng *rand.Rand, level float64) Point {
			return Point{Value: 100*level + 10*rng.NormFloat64()}
		}, 2.5, false, false},
	}
}

// drifting makes a duration whose level wanders by itself, a quarter either way over half a minute, and that has a pause
// of ten times the level in one point of a thousand.
func drifting() func(*rand.Rand, float64) Point {
	wander := 0.0
	return func(rng *rand.Rand, level float64) Point {
		wander = 0.8*wander + 0.15*rng.NormFloat64()
		v := 0.02 * level * math.Exp(wander+0.09*rng.NormFloat64())
		if rng.Float64() < 0.001 {
			v *= 10
		}
		return Point{Value: v, Weight: 100}
	}
}

// run feeds n points of the model and counts the anomalies that open.
func run(m model, seed uint64, n int, level func(i int) float64) (opened int, firstAt int) {
	rng := rand.New(rand.NewPCG(seed, 7))
	s := New(m.kind, settings())
	firstAt = -1
	for i := range n {
		p := m.point(rng, level(i))
		p.At = int64(i+1) * 5e9
		if _, change, _ := s.Add(p); change == Opened {
			opened++
			if firstAt < 0 {
				firstAt = i
			}
		}
	}
	return opened, firstAt
}

func poisson(rng *rand.Rand, mean float64) int {
	if mean > 60 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	n, limit, product := 0, math.Exp(-mean), rng.Float64()
	for product > limit {
		n++
		product *= rng.Float64()
	}
	return n
}
