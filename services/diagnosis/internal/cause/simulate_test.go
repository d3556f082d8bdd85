package cause

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
)

// The simulator lets requests run through a system, sound and then with a fault, and compares the series of the two.
// It knows how faults work, not what Hypotheses believes of them.

const (
	slow      = diagnosisv1.CauseKind_CAUSE_KIND_SLOW
	failing   = diagnosisv1.CauseKind_CAUSE_KIND_FAILING
	saturated = diagnosisv1.CauseKind_CAUSE_KIND_SATURATED
	lost      = diagnosisv1.CauseKind_CAUSE_KIND_CONTEXT_LOST
	storm     = diagnosisv1.CauseKind_CAUSE_KIND_RETRY_STORM
	traffic   = diagnosisv1.CauseKind_CAUSE_KIND_TRAFFIC
)

// operation is a thing that a service does: work of its own, and calls.
type operation struct {
	service string
	work    float64 // median, in seconds
	calls   []outcall
}

type outcall struct {
	to    *operation
	share float64 // of the requests that make this call
	async bool
}

// system is operations that users call, each with its share of the users.
type system struct {
	entries []outcall
	virtual map[string]bool
}

type fault struct {
	service string
	kind    diagnosisv1.CauseKind
}

// run is what was measured while users called.
type run struct {
	rng     *rand.Rand
	fault   fault
	virtual map[string]bool
	values  map[Symptom][]float64 // one for each request or call: a duration, or 1 and 0
	counts  map[Symptom]float64
	async   map[Symptom]bool
}

func (s *system) run(rng *rand.Rand, users int, f fault) *run {
	r := &run{rng: rng, fault: f, virtual: s.virtual, values: map[Symptom][]float64{}, counts: map[Symptom]float64{}, async: map[Symptom]bool{}}
	if f.kind == traffic {
		users *= 2
	}
	for range users {
		for _, e := range s.entries {
			if rng.Float64() < e.share {
				r.request(e.to, true)
			}
		}
	}
	return r
}

func (r *run) hit(service string, kind diagnosisv1.CauseKind) bool {
	return r.fault == fault{service, kind}
}

func (r *run) note(series, service string, v float64) {
	if !r.virtual[service] {
		s := Symptom{Series: series, Server: service}
		r.values[s] = append(r.values[s], v)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// request runs one request and gives its duration and whether it failed.
func (r *run) request(op *operation, root bool) (took float64, failed bool) {
	s := op.service
	own := op.work * math.Exp(0.3*r.rng.NormFloat64())
	r.counts[Symptom{Series: RequestRate, Server: s}]++
	if r.hit(s, slow) {
		own += 0.4 * math.Exp(0.3*r.rng.NormFloat64())
	}
	if r.hit(s, saturated) {
		own *= 8
	}
	use := own / op.work
	if r.hit(s, slow) {
		use = 1 // it waits
	}
	r.note(Utilization, s, use)
	failedBelow := false
	ownFailure := r.hit(s, failing) && r.rng.Float64() < 0.5
	took = own
	if !ownFailure {
		for _, c := range op.calls {
			if r.rng.Float64() >= c.share {
				continue
			}
			d, bad := r.call(s, c)
			took += d
			if failedBelow = bad; bad {
				break
			}
		}
	}
	failed = ownFailure || failedBelow
	r.note(SelfTime, s, own)
	r.note(Latency, s, took)
	r.note(ErrorRatio, s, truth(failed))
	r.note(OwnError, s, truth(ownFailure))
	r.note(RootRatio, s, truth(root))
	return took, failed
}

// call makes a call, or several if the client is in a hurry.
func (r *run) call(client string, c outcall) (took float64, failed bool) {
	tries := 1
	if r.hit(client, storm) && !c.async {
		tries = 8
	}
	for try := 1; try <= tries; try++ {
		d, bad := r.request(c.to, r.hit(client, lost))
		if try < tries {
			if d < 0.003 {
				tries = try
			} else {
				d, bad = 0.003, true
			}
		}
		if !r.hit(client, lost) {
			edge := func(series string) Symptom { return Symptom{series, client, c.to.service} }
			r.counts[edge(EdgeRate)]++
			r.async[edge(EdgeRate)] = c.async
			r.values[edge(EdgeError)] = append(r.values[edge(EdgeError)], truth(bad))
			r.values[edge(EdgeLatency)] = append(r.values[edge(EdgeLatency)], d)
		}
		if !c.async {
			took, failed = took+d, bad
		}
	}
	return took, failed
}

// graph is who called whom.
func (r *run) graph() *Graph {
	var nodes []Node
	var edges []Edge
	for s, n := range r.counts {
		if s.Series == RequestRate {
			nodes = append(nodes, Node{s.Server, r.virtual[s.Server], n})
		} else {
			edges = append(edges, Edge{s.Client, s.Server, r.async[s], n})
		}
	}
	return NewGraph(nodes, edges)
}

// symptoms compares a run with the sound one before it, as the detectors would: what matters, with some missed and some
// made up.
func (r *run) symptoms(sound *run, missed, madeUp float64) map[Symptom]bool {
	out := map[Symptom]bool{}
	judge := func(s Symptom, up bool) { out[s] = up }
	for s, before := range sound.values {
		now := r.values[s]
		if len(before) < 20 || len(now) < 20 {
			continue
		}
		switch s.Family() {
		case Slow:
			b, n := p90(before), p90(now)
			judge(s, n >= 1.3*b && n-b >= 0.005)
		default:
			judge(s, mean(now)-mean(before) >= 0.03+2/math.Sqrt(float64(len(now)))*mean(before))
		}
	}
	for s, before := range sound.counts {
		if r.virtual[s.Server] && s.Series == RequestRate || before < 20 {
			continue
		}
		judge(s, r.counts[s] >= 1.4*before)
		if s.Series == EdgeRate {
			client := Symptom{Series: RequestRate, Server: s.Client}
			b, n := before/sound.counts[client], r.counts[s]/r.counts[client]
			judge(Symptom{EdgeFanout, s.Client, s.Server}, n-b >= 0.3 && n >= 1.25*b)
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(out), bySeries) {
		switch roll := r.rng.Float64(); {
		case out[s] && roll < missed:
			out[s] = false
		case !out[s] && roll < madeUp:
			out[s] = true
		}
	}
	return out
}

func p90(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)*9/10]
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func bySeries(a, b Symptom) int {
	return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Server, b.Server))
}

// verdict ranks the faults, those of one service and kind together, as the service does.
func verdict(g *Graph, symptoms map[Symptom]bool) (ranked []fault, confidence []float64) {
	scores := map[string]float64{}
	for s, seen := range symptoms {
		if seen {
			scores[s.Server] = 1
			if s.Client != "" {
				scores[s.Client] = 1
			}
		}
	}
	around := g.Around(scores, 100)
	candidates := Hypotheses(g, symptoms, func(node string) bool { return around[node] })
	sums := map[fault]float64{}
	for _, r := range Rank(candidates, symptoms, Usual()) {
		c := candidates[r.Candidate]
		f := fault{c.Service, c.Kind}
		if _, known := sums[f]; !known {
			ranked = append(ranked, f)
		}
		sums[f] += r.Confidence
	}
	slices.SortStableFunc(ranked, func(a, b fault) int { return cmp.Compare(sums[b], sums[a]) })
	for _, f := range ranked {
		confidence = append(confidence, sums[f])
	}
	return ranked, confidence
}
