package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// unknown is a word that the harness does not know: its own fault, never a pass.
type unknown string

// Error implements error.
func (u unknown) Error() string { return "the harness does not know " + string(u) }

// unanswered is a word that the product's API cannot answer.
type unanswered string

// Error implements error.
func (u unanswered) Error() string { return "the API does not tell " + string(u) }

// run is one case on its way.
type run struct {
	scenario *scenario
	product  *product
	via      transport
	done     []did
}

// did is what came of a step.
type did struct {
	answers       []answer
	at            time.Time
	before, after account
}

// verdict is what is said of a case in the end.
type verdict struct {
	// Outcome is "preferred", "tolerated: why" or "failed".
	Outcome string
	// Faults say why it failed; Open are the words that the product cannot answer yet, with their reasons.
	Faults []string
	Open   []string
}

// play performs all steps and judges.
func (r *run) play(ctx context.Context) (verdict, error) {
	v := verdict{Outcome: "preferred"}
	for i, s := range r.scenario.steps() {
		if err := r.step(ctx, s); err != nil {
			return v, fmt.Errorf("step %d: %w", i+1, err)
		}
		for _, c := range r.scenario.Expect.Checks {
			if same(c["after"], i+1) {
				v.add(fmt.Sprintf("after %d: ", i+1), r.holds(ctx, c))
			}
		}
	}
	if r.scenario.Expect.Preferred != nil {
		r.choosePreferred(ctx, &v)
	}
	for _, word := range r.scenario.Expect.Forbidden {
		v.add("forbidden "+word+": ", r.ask(ctx, forbidden, word))
	}
	for _, word := range r.scenario.Expect.Invariants {
		v.add("invariant "+word+": ", r.ask(ctx, invariants, word))
	}
	if len(v.Faults) > 0 {
		v.Outcome = "failed"
	}
	return v, nil
}

// choosePreferred takes the preferred outcome, or else the first tolerated one that holds.
func (r *run) choosePreferred(ctx context.Context, v *verdict) {
	var best verdict
	best.add("", r.holds(ctx, r.scenario.Expect.Preferred))
	for _, other := range r.scenario.Expect.Tolerated {
		if len(best.Faults) == 0 {
			break
		}
		var t verdict
		if t.add("", r.holds(ctx, other)); len(t.Faults) == 0 {
			v.Outcome = fmt.Sprintf("tolerated: %s (preferred: %s)", other["why"], strings.Join(best.Faults, "; "))
			best = t
		}
	}
	v.Faults, v.Open = append(v.Faults, best.Faults...), append(v.Open, best.Open...)
}

// add sorts errors into faults and words that are excused.
func (v *verdict) add(prefix string, errs []error) {
	for _, err := range errs {
		var open unanswered
		if errors.As(err, &open) {
			if reason := notYet[string(open)]; reason != "" {
				if text := string(open) + " (" + reason + ")"; !slices.Contains(v.Open, text) {
					v.Open = append(v.Open, text)
				}
				continue
			}
		}
		v.Faults = append(v.Faults, prefix+err.Error())
	}
}

// step performs one step and notes what came of it.
func (r *run) step(ctx context.Context, s step) (err error) {
	d := did{at: time.Now()}
	if d.before, err = r.product.account(); err != nil {
		return err
	}
	switch s.Do {
	case "send_http", "send_grpc", "send_tcp":
		d.answers, err = r.send(ctx, s)
	case "drop_response": // nothing reads what the sender was answered
	default:
		err = unknown("step " + s.Do)
	}
	if err != nil {
		return err
	}
	if err := r.product.settle(ctx); err != nil {
		return err
	}
	d.after, err = r.product.account()
	r.done = append(r.done, d)
	return err
}

// last is what came of the latest step.
func (r *run) last() did { return r.done[len(r.done)-1] }

// answers are all that were given.
func (r *run) answers() []answer {
	var all []answer
	for _, d := range r.done {
		all = append(all, d.answers...)
	}
	return all
}

// patience is how long what is stored may take to be told by the API: a trace is decided and counted by then.
const patience = 15 * time.Second

// holds gives what is not as the outcome has it.
func (r *run) holds(ctx context.Context, o outcome) []error {
	var faults []error
	for word, want := range o {
		switch word {
		case "why", "after", "notes":
			continue
		case "any_of":
			faults = append(faults, r.anyOf(ctx, want)...)
			continue
		case "invariants", "forbidden":
			table := map[string]map[string]question{"invariants": invariants, "forbidden": forbidden}[word]
			list, _ := want.([]any)
			for _, w := range list {
				faults = append(faults, r.ask(ctx, table, fmt.Sprint(w))...)
			}
			continue
		}
		check, known := answerWords[word]
		if known {
			if err := check(r, want); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", word, err))
			}
			continue
		}
		finding, known := storeWords[word]
		if !known {
			faults = append(faults, unknown("word "+word))
			continue
		}
		faults = append(faults, r.await(ctx, word, want, finding)...)
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return faults
}

// await asks the store until nothing is wrong but what the API cannot tell.
func (r *run) await(ctx context.Context, word string, want any, check func(*run, any) []error) (faults []error) {
	_ = eventually(ctx, patience, func() error { // the faults say more
		faults = nil
		wrong := false
		for _, err := range check(r, want) {
			var open unanswered
			var strange unknown
			wrong = wrong || !errors.As(err, &open) && !errors.As(err, &strange)
			faults = append(faults, fmt.Errorf("%s: %w", word, err))
		}
		if wrong {
			return errors.Join(faults...)
		}
		return nil
	})
	return faults
}

func (r *run) anyOf(ctx context.Context, want any) []error {
	list, _ := want.([]any)
	var all []error
	for i, one := range list {
		alternative, _ := one.(map[string]any)
		faults := r.holds(ctx, alternative)
		if len(faults) == 0 {
			return nil
		}
		for _, err := range faults {
			all = append(all, fmt.Errorf("any_of %d: %w", i+1, err))
		}
	}
	return all
}

// question is a word of the invariants or of what is forbidden; argument follows "<=".
type question func(ctx context.Context, r *run, argument string) error

// ask looks a word up and asks.
func (r *run) ask(ctx context.Context, table map[string]question, word string) []error {
	name, argument, _ := strings.Cut(word, "<=")
	q, known := table[name]
	if !known {
		return []error{unknown("word " + word)}
	}
	if err := q(ctx, r, argument); err != nil {
		return []error{err}
	}
	return nil
}
