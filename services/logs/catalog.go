package logs

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/logs/internal/drain"
)

const (
	// overflow is the service whose miner takes the lines of services beyond the limit.
	overflow = "other"
	// rateWindow is what LogTemplate.rate covers.
	rateWindow = time.Minute
	// zeroFor is how long a template that falls silent still gives points, so that silence is seen.
	zeroFor = 10 * time.Minute
	// maxPoints is how many templates of a service give points.
	maxPoints = 200
)

// catalog holds the miners of all services and the recent rates of their templates. It is not safe for concurrent use.
type catalog struct {
	limits      drain.Limits
	maxServices int
	slots       int // of the rate window
	step        time.Duration
	miners      map[string]*drain.Miner
	rates       map[drain.ID]*rate
}

// rate is how many lines came in each of the last steps; at is the slot of the next one.
type rate struct {
	slots []uint32
	at    int
	full  bool
	seen  time.Time // end of the last step with a line
}

func newCatalog(cfg Config, state State) *catalog {
	c := &catalog{
		limits:      drain.Limits{Templates: cfg.MaxTemplates, Tokens: cfg.MaxTokens},
		maxServices: cfg.MaxServices,
		slots:       max(1, int(rateWindow/cfg.Step)),
		step:        cfg.Step,
		miners:      map[string]*drain.Miner{},
		rates:       map[drain.ID]*rate{},
	}
	for service, templates := range state.Templates {
		m := drain.New(service, c.limits)
		for _, t := range templates {
			m.Restore(t)
		}
		c.miners[service] = m
	}
	return c
}

// mine counts e and notes its template in it.
func (c *catalog) mine(e *entry) {
	t := c.miner(e.Log.GetService()).Add(drain.Line{Text: e.mined, Time: e.Time, Severity: rank(e.Log)})
	e.Template = t.ID
	e.Log.TemplateId = t.ID.String()
}

func (c *catalog) miner(service string) *drain.Miner {
	m := c.miners[service]
	if m == nil && len(c.miners) >= c.maxServices {
		service = overflow
		m = c.miners[service]
	}
	if m == nil {
		m = drain.New(service, c.limits)
		c.miners[service] = m
	}
	return m
}

// changed gives what mining changed since the last call, for the store.
func (c *catalog) changed() (templates map[string][]drain.Template, removed map[string][]drain.ID) {
	templates, removed = map[string][]drain.Template{}, map[string][]drain.ID{}
	for service, m := range c.miners {
		t, r := m.Changed()
		if len(t) > 0 {
			templates[service] = t
		}
		if len(r) > 0 {
			removed[service] = r
		}
		for _, gone := range r {
			delete(c.rates, gone)
		}
	}
	return templates, removed
}

// resolve gives the ids whose records belong to a template: its own and those of templates it took in.
func (c *catalog) resolve(service string, t drain.ID) []drain.ID {
	for name, m := range c.miners {
		if service != "" && name != service {
			continue
		}
		for found := range m.All {
			if found.ID == t || slices.Contains(found.Aliases, t) {
				return append([]drain.ID{found.ID}, found.Aliases...)
			}
		}
	}
	return []drain.ID{t}
}

// list gives the templates that keep accepts, most records first, ids in order among equals.
func (c *catalog) list(keep func(*logsv1.LogTemplate) bool) []*logsv1.LogTemplate {
	var out []*logsv1.LogTemplate
	for service, m := range c.miners {
		for t := range m.All {
			if row := c.row(service, t); keep(row) {
				out = append(out, row)
			}
		}
	}
	slices.SortFunc(out, func(a, b *logsv1.LogTemplate) int {
		return cmp.Or(cmp.Compare(b.GetCount(), a.GetCount()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return out
}

func (c *catalog) row(service string, t *drain.Template) *logsv1.LogTemplate {
	return &logsv1.LogTemplate{
		Id:                t.ID.String(),
		Service:           service,
		Template:          t.Text(),
		Count:             t.Count,
		FirstTime:         timestamppb.New(t.First),
		LastTime:          timestamppb.New(t.Last),
		MaxSeverityNumber: t.Severity,
		Example:           t.Example,
		Rate:              c.rates[t.ID].perSecond(c.step),
	}
}

// sample is the lines of a template in one step.
type sample struct {
	service  string
	template drain.ID
	severity string
	lines    uint32
	count    uint64
}

// advance ends a step at now: it moves the rates on and gives the samples to report, at most maxPoints for a service,
// templates with errors first and then the most frequent.
func (c *catalog) advance(now time.Time) []sample {
	var out []sample
	for service, m := range c.miners {
		var of []sample
		for t := range m.All {
			r := c.rates[t.ID]
			if r == nil {
				r = &rate{slots: make([]uint32, c.slots)}
				c.rates[t.ID] = r
			}
			lines := uint32(min(t.Hits, 1<<31))
			t.Hits = 0
			r.push(lines, now)
			if now.Sub(r.seen) < zeroFor || now.Sub(t.Last) < zeroFor {
				of = append(of, sample{service, t.ID, severityLabel(t.Severity), lines, t.Count})
			}
		}
		slices.SortFunc(of, bySeverityThenCount)
		out = append(out, of[:min(len(of), maxPoints)]...)
	}
	return out
}

func bySeverityThenCount(a, b sample) int {
	if x, y := a.severity == "error", b.severity == "error"; x != y {
		if x {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.count, a.count), slices.Compare(a.template[:], b.template[:]))
}

func severityLabel(n int32) string {
	switch {
	case n >= 17:
		return "error"
	case n >= 13:
		return "warn"
	}
	return "info"
}

func (r *rate) push(lines uint32, now time.Time) {
	r.slots[r.at] = lines
	r.at++
	if r.at == len(r.slots) {
		r.at, r.full = 0, true
	}
	if lines > 0 {
		r.seen = now
	}
}

// perSecond is the mean over the window, or over the steps so far; a nil rate is 0.
func (r *rate) perSecond(step time.Duration) float64 {
	if r == nil {
		return 0
	}
	sum, n := 0.0, len(r.slots)
	for _, v := range r.slots {
		sum += float64(v)
	}
	if !r.full {
		n = r.at
	}
	if n == 0 {
		return 0
	}
	return sum / (float64(n) * step.Seconds())
}
