// Package cause weighs which service explains a set of symptoms. It reads no clock and does no I/O.
//
// The model is naive Bayes over single faults: a candidate says how probable each symptom is if it is the cause; every
// other symptom appears with the probability of the leak (a noisy or, after Pearl 1988, §4.3.2). Symptoms that should be
// there and are not count against a candidate, so one good explanation takes weight from the others. "None of these" is
// an alternative of its own. What each kind of fault brings about, and where in the graph, is in hypotheses.go.
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
}

// Usual is the prior for incidents: one series in twenty leaves its past by chance, and one incident in four has a cause
// that is not among the candidates, so that a single symptom convinces nobody.
func Usual() Prior { return Prior{Leak: 0.05, None: 0.25, NoneLeak: 0.05} }

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
	base := unexplained(symptoms, p.Leak)
	for i, c := range candidates {
		logs[i] = math.Log((1-p.None)*c.Weight/total) + base + gain(c.Expect, symptoms, p.Leak)
	}
	logs[len(candidates)] = math.Log(p.None) + unexplained(symptoms, p.NoneLeak)
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

// unexplained is the logarithm of P(symptoms) if each appears with the probability of the leak.
func unexplained(symptoms map[Symptom]bool, leak float64) float64 {
	seen := 0
	for _, s := range symptoms {
		if s {
			seen++
		}
	}
	return float64(seen)*math.Log(leak) + float64(len(symptoms)-seen)*math.Log(1-leak)
}

// gain is what the logarithm of P(symptoms) gains over the leak by what a cause expects. Terms are added in sorted
// order, so that ties stay ties.
func gain(expect map[Symptom]float64, symptoms map[Symptom]bool, leak float64) float64 {
	terms := make([]float64, 0, len(expect))
	for s, p := range expect {
		seen, known := symptoms[s]
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
