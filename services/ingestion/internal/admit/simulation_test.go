package admit_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

// simulation is a front door in virtual time: requests that are let in are served one after the other, at a number of
// bytes per second.
type simulation struct {
	gate   *admit.Gate
	random *rand.Rand
	rate   float64
	now    time.Duration
	free   time.Duration // when all that was let in is served
	todo   events
	loads  map[string]*load
}

// load is what became of a tenant's requests.
type load struct {
	came, in, refused int
	bytes             int64 // let in
	longest           time.Duration
}

type event struct {
	at time.Duration
	do func()
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, k int) bool { return e[i].at < e[k].at }
func (e events) Swap(i, k int)      { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

const mebi = 1 << 20

// simulate has 1 MiB of memory, of which 0.8 MiB is for everybody, and serves 10 MiB/s.
func simulate(t *testing.T, seed uint64, limits admit.Limits) *simulation {
	random := rand.New(rand.NewPCG(seed, 0))
	return &simulation{
		gate: gate(t, admit.Settings{
			Bytes: mebi, Reserve: 0.2, Threshold: 0.8, Tenants: 100, Burst: time.Second, Limits: limits, Random: random.Float64,
		}),
		random: random, rate: 10 * mebi, loads: map[string]*load{},
	}
}

func (s *simulation) at(when time.Duration, do func()) { heap.Push(&s.todo, event{when, do}) }

func (s *simulation) run() {
	for len(s.todo) > 0 {
		next := heap.Pop(&s.todo).(event)
		s.now = next.at
		next.do()
	}
}

func (s *simulation) load(tenant string) *load {
	if s.loads[tenant] == nil {
		s.loads[tenant] = &load{}
	}
	return s.loads[tenant]
}

// send is a request of a size, in two pieces. It says what it was refused with.
func (s *simulation) send(tenant string, size int64) admit.Verdict {
	now, l := start.Add(s.now), s.load(tenant)
	l.came++
	r, no := s.gate.Begin(now, tenant, otlp.SignalTraces)
	for _, n := range []int64{size / 2, size - size/2} {
		if !no.Refused() {
			no = r.Reserve(now, n)
		}
	}
	if !no.Refused() {
		no = r.Charge(now, 1, int(size))
	}
	if no.Refused() {
		r.End(now)
		l.refused++
		return no
	}
	l.in++
	l.bytes += size
	s.free = max(s.free, s.now) + time.Duration(float64(size)/s.rate*1e9)
	l.longest = max(l.longest, s.free-s.now)
	s.at(s.free, func() {
		r.Accept(1, int(size))
		r.End(start.Add(s.now))
	})
	return no
}

// offer has a tenant send requests of up to a size, by chance, so many bytes per second, without ever waiting.
func (s *simulation) offer(tenant string, from, to time.Duration, size, rate int64) {
	var next func()
	next = func() {
		if s.now >= to {
			return
		}
		s.send(tenant, size/2+s.random.Int64N(size/2))
		s.at(s.now+time.Duration(s.random.ExpFloat64()*0.75*float64(size)/float64(rate)*1e9), next)
	}
	s.at(from, next)
}

func TestAQuietTenantIsNeverRefusedWhileANoisyOneOffersAHundredTimesItsShare(t *testing.T) {
	for seed := range uint64(4) {
		s := simulate(t, seed, admit.Limits{})
		s.offer("noisy", 0, time.Second, 8<<10, 1000*mebi)
		// Each holds some 0.09 s of its rate, and bursts of that stay below its share of 160 KiB.
		s.offer("quiet0", 300*time.Millisecond, time.Second, 16<<10, mebi/2)
		s.offer("quiet1", 500*time.Millisecond, time.Second, 4<<10, mebi/2)
		s.offer("quiet2", 700*time.Millisecond, time.Second, 32<<10, mebi/4)
		s.run()
		sum := int64(0)
		for name, l := range s.loads {
			sum += l.bytes
			if name == "noisy" {
				require.Greater(t, l.refused, 90*l.in)
				continue
			}
			require.Zero(t, l.refused, "%s, seed %d, of %d", name, seed, l.came)
			require.NotZero(t, l.came)
		}
		require.Greater(t, sum, int64(9*mebi), "the server was idle")
		require.Zero(t, s.gate.Held())
	}
}

func TestMemoryThatIsFullOfANoisyTenantComesToTheOthersByTheirWeights(t *testing.T) {
	s := simulate(t, 1, admit.Limits{Tenants: map[string]admit.Limit{"heavy": {Weight: 2}}})
	s.offer("noisy", 0, 4*time.Second, 8<<10, 200*mebi)
	before := int64(0)
	s.at(time.Second, func() { before = s.load("noisy").bytes })
	s.offer("heavy", time.Second, 4*time.Second, 8<<10, 20*mebi)
	s.offer("light", time.Second, 4*time.Second, 8<<10, 20*mebi)
	s.run()
	noisy, heavy, light := s.load("noisy").bytes-before, s.load("heavy").bytes, s.load("light").bytes
	t.Logf("noisy %d KiB, heavy %d KiB, light %d KiB", noisy>>10, heavy>>10, light>>10)
	// 7.5 and 15 MiB were exact; the part of the room above the threshold goes to who asks most.
	require.Greater(t, light, int64(5*mebi))
	require.Greater(t, heavy, int64(11*mebi))
	require.Less(t, noisy, int64(14*mebi))
}

func TestWhoNeedsLessThanItsShareIsNotDroppedForTheNoisy(t *testing.T) {
	s := simulate(t, 1, admit.Limits{})
	s.offer("noisy", 0, 3*time.Second, 8<<10, 200*mebi)
	for i := range 8 {
		s.offer(fmt.Sprint("small", i), 500*time.Millisecond, 3*time.Second, 2<<10, mebi/20)
	}
	// A tenth of the room for each were equal. The medium one needs three times that, and the small ones leave it.
	s.offer("medium", 500*time.Millisecond, 3*time.Second, 4<<10, 3*mebi)
	s.run()
	medium := s.load("medium")
	require.Less(t, medium.refused, medium.came/20, "of %d", medium.came)
}

// client sends its requests one after the other and waits as it is told.
func (s *simulation) client(tenant string, from time.Duration, requests int, size int64, tries *[]int, done *time.Duration) {
	try := 0
	var next func()
	next = func() {
		no := s.send(tenant, size)
		try++
		if no.Refused() {
			s.at(s.now+no.Wait, next)
			return
		}
		*tries = append(*tries, try)
		try, requests = 0, requests-1
		*done = max(*done, s.now)
		if requests > 0 {
			s.at(s.now+time.Millisecond, next)
		}
	}
	s.at(from, next)
}

func TestAClientThatFollowsTheDelaysGetsEverythingInAfterTheOverload(t *testing.T) {
	for seed := range uint64(5) {
		s := simulate(t, seed, admit.Limits{})
		var tries []int
		var done time.Duration
		for i := range 200 { // 200 · 50 · 8 KiB = 78 MiB at once, and 100 MiB/s of others that never wait, for 5 s
			s.client(fmt.Sprint("t", i%3), time.Duration(i)*time.Millisecond, 50, 8<<10, &tries, &done)
		}
		s.offer("t0", 0, 5*time.Second, 8<<10, 100*mebi)
		s.run()
		require.Len(t, tries, 200*50, "all got in")
		sum := 0
		for _, n := range tries {
			sum += n
		}
		t.Logf("seed %d: done after %s, %.2f tries a request", seed, done, float64(sum)/float64(len(tries)))
		require.Less(t, done, 30*time.Second, "what was served meanwhile took at least 8 s")
		require.Less(t, sum, 4*len(tries), "clients came again in vain")
	}
}

func TestAClientThatFollowsTheDelaysOfARateGetsThroughAtTheRate(t *testing.T) {
	limits := admit.Limits{Default: admit.Limit{RequestsPerSecond: 20, ItemsPerSecond: 15, BytesPerSecond: 1e6}}
	s := simulate(t, 1, limits)
	var tries []int
	var done time.Duration
	s.client("acme", 0, 150, 1000, &tries, &done)
	s.run()
	require.Len(t, tries, 150)
	// 150 items less the burst of 15 at 15 a second are 9 s; the spread adds up to a half.
	require.Greater(t, done, 8900*time.Millisecond)
	require.Less(t, done, 14*time.Second)
}
