package soak

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/triflow/triflow/test/program"
)

// killCount in the environment says how many kills there are instead of 6.
const killCount = "TRIFLOW_TEST_KILLS"

func TestNoAcknowledgedItemIsLostOverKillsAtRandomMoments(t *testing.T) {
	newCrashes(t, t.TempDir(), lasting{}).run(killsOf(t))
}

func killsOf(t *testing.T) int {
	text := os.Getenv(killCount)
	if text == "" {
		return 6
	}
	kills, err := strconv.Atoi(text)
	require.NoError(t, err, killCount)
	return kills
}

// power is what a log depends on beside its process. One who has the power cut gets no more answers, so those that a
// process still gives do not count.
type power interface {
	cut(l *load)
	mend()
}

// lasting is the power that is never cut.
type lasting struct{}

func (lasting) cut(*load) {}
func (lasting) mend()     {}

// crashes is one log on which processes die.
type crashes struct {
	t         *testing.T
	dir       string
	receivers *receivers
	random    *rand.Rand
	power     power

	slowest time.Duration // start
	largest int64         // memory
	refused int64         // items
}

func newCrashes(t *testing.T, dir string, power power) *crashes {
	r, err := newReceivers(t.Context())
	require.NoError(t, err)
	t.Cleanup(r.close)
	return &crashes{t: t, dir: dir, receivers: r, random: rand.New(rand.NewPCG(1, 1)), power: power}
}

// run kills so many processes, and wants of the next all that any of them acknowledged.
func (c *crashes) run(kills int) {
	paces := []pace{open, 100_000, 10_000, stopped}
	for n := range kills {
		c.receivers.take(paces[c.random.IntN(len(paces))])
		if n%4 == 3 {
			c.killEarly()
		} else {
			c.killUnderLoad()
		}
		c.power.mend()
	}
	p := c.start()
	ctx, cancel := context.WithTimeout(c.t.Context(), drainLimit)
	defer cancel()
	require.NoError(c.t, c.receivers.settle(ctx))
	for _, tally := range c.receivers.tallies {
		c.t.Log(tally)
	}
	c.t.Logf("%d kills, %d of them in a start; it served within %v and had %d MiB of memory at most; %d items were refused for a while",
		kills, kills/4, c.slowest.Round(time.Millisecond), c.largest/mib, c.refused)
	require.NoError(c.t, p.Stop())
}

func (c *crashes) launch() *program.Ingestion {
	p, err := program.StartIngestion(triflow, program.IngestionOptions{Dir: c.dir, Peers: c.receivers.peers, Args: sizes.args()})
	require.NoError(c.t, err)
	c.t.Cleanup(func() { require.NoError(c.t, p.Kill()) })
	return p
}

// start gives a process that serves, which took it no more than a start may take.
func (c *crashes) start() *program.Ingestion {
	begin := time.Now()
	p := c.launch()
	ctx, cancel := context.WithTimeout(c.t.Context(), readyLimit)
	defer cancel()
	require.NoError(c.t, p.Serving(ctx))
	c.slowest = max(c.slowest, time.Since(begin))
	c.weigh(p)
	return p
}

// weigh notes the most memory that the process had.
func (c *crashes) weigh(p *program.Ingestion) {
	peak, err := p.PeakRSS()
	require.NoError(c.t, err)
	require.LessOrEqual(c.t, peak, sizes.memory())
	c.largest = max(c.largest, peak)
}

// killEarly kills a process before or just after it serves.
func (c *crashes) killEarly() {
	p := c.launch()
	require.NoError(c.t, wait(c.t.Context(), c.moment(100*time.Millisecond)))
	c.power.cut(newLoad(p, c.receivers))
	require.NoError(c.t, p.Kill())
}

func (c *crashes) moment(within time.Duration) time.Duration {
	return time.Duration(c.random.Int64N(int64(within)))
}

// killUnderLoad kills a process while senders of all kinds press, and receivers may break their streams.
func (c *crashes) killUnderLoad() {
	p := c.start()
	l := newLoad(p, c.receivers)
	group, ctx := errgroup.WithContext(c.t.Context())
	dying, die := context.WithCancel(ctx)
	defer die()
	for i, w := range append(ways(), ways()...) {
		items := 50
		if i%5 == 4 {
			items = 2000
		}
		e, err := newExport(signal(i)%signals, items, 300)
		require.NoError(c.t, err)
		s, err := l.sender(w, e)
		require.NoError(c.t, err)
		group.Go(func() error {
			if err := s.press(ctx, dying, 0); dying.Err() == nil {
				return err
			}
			return nil // whatever it was, the process was dying
		})
	}
	require.NoError(c.t, wait(ctx, c.moment(500*time.Millisecond)))
	if c.random.IntN(3) == 0 {
		require.NoError(c.t, c.receivers.restart(ctx))
	}
	require.NoError(c.t, wait(ctx, c.moment(500*time.Millisecond)))
	c.weigh(p)
	die()
	c.power.cut(l)
	require.NoError(c.t, p.Kill())
	require.NoError(c.t, group.Wait())
	c.refused += l.refused.Load()
}
