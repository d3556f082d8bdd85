package sampler

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// The member of the tracestate that OpenTelemetry owns, its two keys that matter here, and the limit of its value. The
// value is a list of key:value pairs joined by semicolons, in any order.
const (
	member    = "ot"
	keyTh     = "th"
	keyRv     = "rv"
	maxLength = 256
)

// randomnessIn finds rv in the value of the ot member. One that is not exactly 14 lower-case hex digits does not count.
func randomnessIn(ot string) (randomness, bool) {
	for pair := range strings.SplitSeq(ot, ";") {
		key, value, _ := strings.Cut(pair, ":")
		if key != keyRv {
			continue
		}
		if len(value) != digits || strings.Trim(value, "0123456789abcdef") != "" {
			return 0, false
		}
		r, err := strconv.ParseUint(value, 16, 64)
		return randomness(r), err == nil
	}
	return 0, false
}

// withThreshold sets th, in place of any that was there. Other keys stay as they are; where the member would grow beyond
// its limit the last of them make room, rv never.
func withThreshold(state trace.TraceState, th string) trace.TraceState {
	kept := otherPairs(state.Get(member))
	for {
		value := strings.Join(append([]string{keyTh + ":" + th}, kept...), ";")
		if len(value) <= maxLength {
			next, err := state.Insert(member, value)
			if err != nil {
				// The value that came was not valid, so it could not have been passed on either.
				return state.Delete(member)
			}
			return next
		}
		kept = withoutLast(kept)
	}
}

// withoutThreshold removes th, and the member when nothing else was in it. A state without th is returned as it came.
func withoutThreshold(state trace.TraceState) trace.TraceState {
	ot := state.Get(member)
	kept := otherPairs(ot)
	value := strings.Join(kept, ";")
	switch {
	case value == ot:
		return state
	case value == "":
		return state.Delete(member)
	}
	next, err := state.Insert(member, value)
	if err != nil {
		return state.Delete(member)
	}
	return next
}

// otherPairs lists the pairs of the ot member except th.
func otherPairs(ot string) []string {
	var kept []string
	for pair := range strings.SplitSeq(ot, ";") {
		if key, _, _ := strings.Cut(pair, ":"); key != keyTh && pair != "" {
			kept = append(kept, pair)
		}
	}
	return kept
}

// withoutLast returns the pairs without the last that is not rv. There is one whenever the list is too long, since th and
// rv together take 35 characters.
func withoutLast(pairs []string) []string {
	for i := len(pairs) - 1; i >= 0; i-- {
		if !strings.HasPrefix(pairs[i], keyRv+":") {
			return append(append([]string{}, pairs[:i]...), pairs[i+1:]...)
		}
	}
	return nil // an rv of that length is none
}
