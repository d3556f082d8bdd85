// Package cause weighs which service explains a set of symptoms. It reads no clock and does no I/O.
//
// The model is naive Bayes over single faults: a candidate says how probable each symptom is if it is the cause; every
// other symptom appears with the probability of the leak. Symptoms that should be there and are not count against a
// candidate, so one good explanation takes weight from the others. "None of these" is an alternative of its own.
package cause

import (
	"cmp"
	"math"
	"slices"
)

// Symptom is a series that may leave its past: its name and the service, or client and server, that it speaks of.
type Symptom struct{ Series, Client, Server string }

// Candidate is a possible cause, with the probability in (0, 1) of each symptom that it would bring about.
type Candidate struct {
	Service string
	Kind    int32
	Expect  map[Symptom]float64
}

// Prior says what holds before anything is seen.
type Prior struct {
	// Leak is the probability, in (0, 1), of a symptom that the cause does not explain.
	Leak float64
	// None is the probability, in (0, 1), that no candidate is the cause; the candidates share the rest evenly.
	None float64
	// NoneLeak is the probability, in (0, 1), of any symptom if no candidate is the cause.
	NoneLeak float64
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
	logs := make([]float64, len(candidates)+1)
	for i := range candidates {
		logs[i] = math.Log((1-p.None)/float64(len(candidates))) + likelihood(candidates[i].Expect, symptoms, p.Leak)
	}
	logs[len(candidates)] = math.Log(p.None) + likelihood(nil, symptoms, p.NoneLeak)
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

// likelihood is the logarithm of P(symptoms | cause). Terms are added in sorted order, so that ties stay ties.
func likelihood(expect map[Symptom]float64, symptoms map[Symptom]bool, leak float64) float64 {
	terms := make([]float64, 0, len(symptoms))
	for s, seen := range symptoms {
		q := 1 - (1-leak)*(1-expect[s])
		if !seen {
			q = 1 - q
		}
		terms = append(terms, math.Log(q))
	}
	slices.Sort(terms)
	sum := 0.0
	for _, t := range terms {
		sum += t
	}
	return sum
}
