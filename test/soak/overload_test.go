package soak

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/triflow/triflow/test/program"
)

// soakTime in the environment says how long the overload lasts instead of 16 s.
const soakTime = "TRIFLOW_TEST_SOAK"

func TestOverloadIsRefusedForAWhileWithinTheMemoryLimit(t *testing.T) {
	lasts := 16 * time.Second
	if text := os.Getenv(soakTime); text != "" {
		var err error
		lasts, err = time.ParseDuration(text)
		require.NoError(t, err, soakTime)
	}
	r, err := newReceivers(t.Context())
	require.NoError(t, err)
	t.Cleanup(r.close)
	p, err := program.StartIngestion(triflow, program.IngestionOptions{Dir: t.TempDir(), Peers: r.peers, Args: sizes.args()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Kill()) })
	ready, cancel := context.WithTimeout(t.Context(), readyLimit)
	defer cancel()
	require.NoError(t, p.Serving(ready))

	o := &overload{t: t, to: p, receivers: r}
	capacity := o.capacity(lasts / 8)
	t.Logf("%.0f items/s are taken", capacity)
	for _, pace := range []pace{pace(capacity / 2 / float64(signals)), stopped} {
		r.take(pace)
		l := o.offer(capacity, lasts/2)
		t.Logf("while receivers take %.0f items/s each: %v", pace, l)
	}
	o.settle()
	peak, err := p.PeakRSS()
	require.NoError(t, err)
	t.Logf("peak of %d MiB of memory, of %d MiB", peak/mib, sizes.memory()/mib)
	require.LessOrEqual(t, peak, sizes.memory())
	require.NoError(t, p.Stop())
}

// overload is the test under way.
type overload struct {
	t         *testing.T
	to        *program.Ingestion
	receivers *receivers
}

// small and large exports are of about 400 bytes an item.
const (
	smallItems, largeItems = 50, 8000
	text                   = 300
	smallSenders           = 30
	largeSenders           = 6
)

// restarts are how often all receivers break their streams under a load; what they had is handed over again.
const restarts = 3

// pressing are the senders that do not follow.
func (o *overload) pressing(l *load) (small, large []*sender) {
	for i := range smallSenders + largeSenders {
		items := smallItems
		if i >= smallSenders {
			items = largeItems
		}
		e, err := newExport(signal(i)%signals, items, text)
		require.NoError(o.t, err)
		s, err := l.sender(ways()[i/int(signals)%len(ways())], e)
		require.NoError(o.t, err)
		if i < smallSenders {
			small = append(small, s)
		} else {
			large = append(large, s)
		}
	}
	return small, large
}

// capacity is how many items a second are taken from senders that send as fast as they are answered, while the receivers
// take whatever comes.
func (o *overload) capacity(lasts time.Duration) float64 {
	l := newLoad(o.to, o.receivers)
	small, large := o.pressing(l)
	group, ctx := errgroup.WithContext(o.t.Context())
	end, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	for _, s := range append(small, large...) {
		group.Go(func() error { return s.press(ctx, end, 0) })
	}
	require.NoError(o.t, group.Wait(), "triflow said: %s", o.to.Output())
	return float64(l.taken.Load()) / lasts.Seconds()
}

// offer sends so many items a second, half of them in small exports, beside senders that follow what they are told and
// others that stall. Then it opens the receivers and returns when those that follow have got all in.
func (o *overload) offer(perSecond float64, lasts time.Duration) *load {
	l := newLoad(o.to, o.receivers)
	small, large := o.pressing(l)
	group, ctx := errgroup.WithContext(o.t.Context())
	end, cancel := context.WithCancel(ctx)
	group.Go(func() error {
		defer cancel()
		defer o.receivers.take(open)
		for range restarts {
			if err := wait(ctx, lasts/restarts); err != nil {
				return err
			}
			if err := o.receivers.restart(ctx); err != nil {
				return err
			}
		}
		return l.enough(ctx)
	})
	for _, s := range small {
		group.Go(func() error { return s.press(ctx, end, perSecond/2/smallSenders) })
	}
	for _, s := range large {
		group.Go(func() error { return s.press(ctx, end, perSecond/2/largeSenders) })
	}
	for i := range 4 {
		group.Go(func() error { return stall(end, o.to, i%2 == 0) })
	}
	patient, cancelPatient := context.WithTimeout(ctx, lasts+2*drainLimit)
	defer cancelPatient()
	for i, w := range ways() {
		e, err := newExport(signal(i)%signals, smallItems, text)
		require.NoError(o.t, err)
		s, err := l.sender(w, e)
		require.NoError(o.t, err)
		group.Go(func() error { return s.insist(patient, end) })
	}
	require.NoError(o.t, group.Wait(), "triflow said: %s", o.to.Output())
	return l
}

// settle waits until all that was acknowledged has come, and wants the same in the ledger.
func (o *overload) settle() {
	ctx, cancel := context.WithTimeout(o.t.Context(), drainLimit)
	defer cancel()
	require.NoError(o.t, o.receivers.settle(ctx))
	ledger, err := o.to.Ledger(ctx)
	require.NoError(o.t, err)
	for s, tally := range o.receivers.tallies {
		o.t.Log(tally)
		require.EqualValues(o.t, tally.taken.size, ledger[s].GetAccepted(), "ledger: %v", ledger)
		require.Zero(o.t, ledger[s].GetLost())
	}
}
