// Package cause weighs which service explains a set of symptoms. It reads no clock and does no I/O.
//
// The model is naive Bayes over single faults: a candidate says how probable each symptom is if it is the cause; every
// other symptom appears with the probability of the leak (a noisy or, after Pearl 1988, §4.3.2). Symptoms that should be
// there and are not count against a candidate, so one good explanation takes weight from the others. "None of these" is
// an alternative of its own. Whether the whole machine is disturbed besides is summed over. What each kind of fault brings about, and where in the graph, is in hypotheses.go.
package cause

import (
	"cmp"
	"math"
	"slices"

	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
)

// Candidate is a possible cause.
type Candidate struct {
	Service string
	Kind    diagnosisv1.CauseKind
	// Weight is how probable it is beforehand, above 0, in proportion to the others.
	Weight float64
	// Expect is the probability, in (0, 1), of each symptom that it would bring about.
	Expect map[Symptom]float64
}

// Prior says what holds before anything is seen.
type Prior struct {
	// Leak is the probability, in (0, 1), of a symptom that the cause does not explain.
	Leak float64
	// None is the probability, in (0, 1), that no candidate is the cause; the candidates share the rest by weight.
	None float64
	// NoneLeak is the probability, in (0, 1), of any symptom if no candidate is the cause.
	NoneLeak float64
	// Disturbance is the probability, 0 or in (0, 1), that besides the cause everything is slower for a while, as when
	// others use the machine; NoneDisturbance is the same if no candidate is the cause. SlowLeak is then the least leak,
	// in (0, 1), of a symptom of durations.
	Disturbance, NoneDisturbance, SlowLeak float64
}

// Usual is the prior for incidents. One series in twenty leaves its past by chance. Two incidents in five have a cause
// that is not among the candidates, so that a single symptom convinces nobody; two in five of those are disturbances,
// which seldom come with another cause.
func Usual() Prior {
	return Prior{Leak: 0.05, None: 0.4, NoneLeak: 0.05, Disturbance: 0.05, NoneDisturbance: 0.4, SlowLeak: 0.3}
}

// Ranked is a candidate, by its index, with its posterior probability.
type Ranked struct {
	Candidate  int
	Confidence float64
}

// Rank gives every candidate, most probable first and ties in order of index. What the confidences lack to 1 is the
// probability of none of them. Symptoms are those that could have been seen; the value tells which were.
func Rank(candidates []Candidate, symptoms map[Symptom]bool, p Prior) []Ranked {
	if len(candidates) == 0 {
		return nil
	}
	total := 0.0
	for i := range candidates {
		total += candidates[i].Weight
	}
	logs := make([]float64, len(candidates)+1)
	known := alternatives(symptoms, p.Leak, p.Disturbance, p.SlowLeak)
	for i, c := range candidates {
		logs[i] = math.Log((1-p.None)*c.Weight/total) + likelihood(c.Expect, symptoms, known)
	}
	logs[len(candidates)] = math.Log(p.None) + likelihood(nil, symptoms, alternatives(symptoms, p.NoneLeak, p.NoneDisturbance, p.SlowLeak))
	top, sum := slices.Max(logs), 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	out := make([]Ranked, len(candidates))
	for i := range out {
		out[i] = Ranked{i, math.Exp(logs[i]-top) / sum}
	}
	slices.SortStableFunc(out, func(a, b Ranked) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return out
}

// alternative is a state of the world besides the cause: calm or disturbed.
type alternative struct {
	log         float64 // of its probability and of the symptoms, if none of them is explained
	leak, delay float64 // the leak of symptoms, and of those of durations
}

func (a alternative) leaks(s Symptom) float64 {
	if s.Family() == Slow {
		return a.delay
	}
	return a.leak
}

func alternatives(symptoms map[Symptom]bool, leak, disturbance, delay float64) []alternative {
	out := []alternative{{math.Log(1 - disturbance), leak, leak}}
	if disturbance > 0 {
		out = append(out, alternative{math.Log(disturbance), leak, max(leak, delay)})
	}
	for i := range out {
		out[i].log += out[i].unexplained(symptoms)
	}
	return out
}

// unexplained is the logarithm of P(symptoms) if each appears with the probability of its leak. It counts before it
// multiplies, so that the order of the map is no matter.
func (a alternative) unexplained(symptoms map[Symptom]bool) float64 {
	var others, delays [2]float64
	for s, seen := range symptoms {
		n := &others
		if s.Family() == Slow {
			n = &delays
		}
		if seen {
			n[1]++
		} else {
			n[0]++
		}
	}
	return others[1]*math.Log(a.leak) + others[0]*math.Log(1-a.leak) + delays[1]*math.Log(a.delay) + delays[0]*math.Log(1-a.delay)
}

// likelihood is the logarithm of P(symptoms | cause), summed over the alternatives.
func likelihood(expect map[Symptom]float64, symptoms map[Symptom]bool, alternatives []alternative) float64 {
	var logs []float64
	for _, a := range alternatives {
		logs = append(logs, a.log+a.gain(expect, symptoms))
	}
	top, sum := slices.Max(logs), 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum)
}

// gain is what the logarithm of P(symptoms) gains over the leak by what a cause expects. Terms are added in sorted
// order, so that ties stay ties.
func (a alternative) gain(expect map[Symptom]float64, symptoms map[Symptom]bool) float64 {
	terms := make([]float64, 0, len(expect))
	for s, p := range expect {
		seen, known := symptoms[s]
		leak := a.leaks(s)
		q := 1 - (1-leak)*(1-p)
		switch {
		case !known:
		case seen:
			terms = append(terms, math.Log(q/leak))
		default:
			terms = append(terms, math.Log((1-q)/(1-leak)))
		}
	}
	slices.Sort(terms)
	sum := 0.0
	for _, t := range terms {
		sum += t
	}
	return sum
}
