package fault_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
)

const (
	omission  = ingestionv1.FaultClass_FAULT_CLASS_OMISSION
	crash     = ingestionv1.FaultClass_FAULT_CLASS_CRASH
	anyClass  = ingestionv1.FaultClass_FAULT_CLASS_UNSPECIFIED
	ofTraces  = handoffv1.Signal_SIGNAL_TRACES
	ofMetrics = handoffv1.Signal_SIGNAL_METRICS
)

var start = time.Unix(1_800_000_000, 0)

func gap(subject string) fault.Finding {
	return fault.Finding{Class: omission, Kind: fault.Gap, Subject: subject, Signal: ofTraces, Items: 10, Text: "10 of " + subject}
}

func list(t require.TestingT, r *fault.Registry, q fault.Query) ([]fault.Fault, string) {
	page, next, err := r.List(q)
	require.NoError(t, err)
	return page, next
}

func subjects(page []fault.Fault) []string {
	var all []string
	for _, f := range page {
		all = append(all, f.Subject)
	}
	return all
}

func TestWhatIsFoundAgainIsOneFault(t *testing.T) {
	r := fault.NewRegistry(10, nil)
	r.Report(start, gap("cart"))
	again := gap("cart")
	again.Items, again.Text = 5, "5 more"
	r.Report(start.Add(time.Minute), again)
	r.Report(start.Add(-time.Minute), gap("cart"))

	page, next := list(t, r, fault.Query{Limit: 10})
	require.Empty(t, next)
	require.Len(t, page, 1)
	f := page[0]
	require.Equal(t, start, f.First)
	require.Equal(t, start.Add(time.Minute), f.Last, "the clock was set back")
	require.EqualValues(t, 3, f.Count)
	require.EqualValues(t, 25, f.Items)
	require.Equal(t, "10 of cart", f.Text)
}

func TestClassKindSubjectAndSignalTellFaultsApart(t *testing.T) {
	r := fault.NewRegistry(10, nil)
	for _, change := range []func(*fault.Finding){
		func(*fault.Finding) {},
		func(f *fault.Finding) { f.Class = crash },
		func(f *fault.Finding) { f.Kind = fault.Reordering },
		func(f *fault.Finding) { f.Subject = "stock" },
		func(f *fault.Finding) { f.Signal = ofMetrics },
	} {
		f := gap("cart")
		change(&f)
		r.Report(start, f)
	}
	all, _ := list(t, r, fault.Query{Limit: 10})
	require.Len(t, all, 5)
	some, _ := list(t, r, fault.Query{Class: crash, Limit: 10})
	require.Len(t, some, 1)
}

func TestTheFaultThatWasSilentForLongestGoes(t *testing.T) {
	r := fault.NewRegistry(2, nil)
	for _, subject := range []string{"a", "b", "a", "c"} {
		r.Report(start, gap(subject))
	}
	page, _ := list(t, r, fault.Query{Limit: 10})
	require.Equal(t, []string{"c", "a"}, subjects(page))
	require.EqualValues(t, 1, r.Forgotten())
}

func TestTheHookHearsWhatIsNew(t *testing.T) {
	var heard []string
	var r *fault.Registry
	r = fault.NewRegistry(1, func(f fault.Finding, first bool) {
		heard = append(heard, fmt.Sprint(f.Subject, " ", first))
		list(t, r, fault.Query{Limit: 1}) // nothing is locked
	})
	for _, subject := range []string{"a", "a", "b", "a"} {
		r.Report(start, gap(subject))
	}
	require.Equal(t, []string{"a true", "a false", "b true", "a true"}, heard)
}

func TestTextsAreCutAtACharacter(t *testing.T) {
	r := fault.NewRegistry(1, nil)
	f := gap("a" + strings.Repeat("ü", 1000))
	f.Text = "\xff" + strings.Repeat("ü", 1000)
	r.Report(start, f)
	page, _ := list(t, r, fault.Query{Limit: 1})
	require.Equal(t, "a"+strings.Repeat("ü", 127), page[0].Subject)
	require.True(t, utf8.ValidString(page[0].Text))
	require.LessOrEqual(t, len(page[0].Text), fault.MaxText)
}

func TestACursorOfSomethingElseIsAnError(t *testing.T) {
	_, _, err := fault.NewRegistry(1, nil).List(fault.Query{Cursor: "x", Limit: 1})
	require.EqualError(t, err, `cursor "x": want the number of a report`)
}

func TestWhoPagesSeesEachFaultOnceAndAllThatStayed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := fault.NewRegistry(20, nil)
		names := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"})
		for _, name := range rapid.SliceOfN(names, 1, 30).Draw(t, "before") {
			r.Report(start, gap(name))
		}
		whole, _ := list(t, r, fault.Query{Limit: 100})
		stayed := map[string]bool{}
		for _, f := range whole {
			stayed[f.Subject] = true
		}
		seen := map[string]int{}
		for cursor, more := "", true; more; more = cursor != "" {
			var page []fault.Fault
			page, cursor = list(t, r, fault.Query{Cursor: cursor, Limit: rapid.IntRange(1, 4).Draw(t, "limit")})
			for _, f := range page {
				seen[f.Subject]++
				require.Equal(t, 1, seen[f.Subject])
			}
			for _, name := range rapid.SliceOfN(names, 0, 2).Draw(t, "meanwhile") {
				r.Report(start, gap(name))
				delete(stayed, name)
			}
		}
		for name := range stayed {
			require.Contains(t, seen, name)
		}
	})
}

func TestManyMayReportAtOnce(t *testing.T) {
	var firsts, all int
	var mu sync.Mutex
	r := fault.NewRegistry(8, func(_ fault.Finding, first bool) {
		mu.Lock()
		defer mu.Unlock()
		all++
		if first {
			firsts++
		}
	})
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for range 500 {
				r.Report(start, gap(string(rune('a'+rng.IntN(8)))))
				_, _, err := r.List(fault.Query{Limit: 3})
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
	page, _ := list(t, r, fault.Query{Limit: 100})
	var count uint64
	for _, f := range page {
		count += f.Count
	}
	require.EqualValues(t, 2000, count)
	require.Equal(t, 2000, all)
	require.Equal(t, len(page), firsts)
}

func BenchmarkReport(b *testing.B) {
	r := fault.NewRegistry(1000, nil)
	f := gap("cart")
	b.ReportAllocs()
	for b.Loop() {
		r.Report(start, f)
	}
}
