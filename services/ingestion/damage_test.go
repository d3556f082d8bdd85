package ingestion

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestDamageCostsWhatItHitAndIsShown(t *testing.T) {
	for _, c := range []struct {
		hit        []int
		lost, torn int64
	}{
		{[]int{0}, 2, 0},
		{[]int{1}, 2, 0},
		{[]int{2}, 2, 1},
		{[]int{0, 1, 2}, 6, 1},
	} {
		dir := t.TempDir()
		r := start(t, small(), dir, newSink())
		for n := range 3 {
			_, err := r.call(t, request(t, named(n), named(n)))
			require.NoError(t, err)
		}
		r.stop()
		files, err := filepath.Glob(filepath.Join(dir, "traces", "*.wal"))
		require.NoError(t, err)
		for _, name := range files {
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			for _, n := range c.hit {
				b = bytes.ReplaceAll(b, []byte(named(n).GetName()), []byte("damaged"))
			}
			require.NoError(t, os.WriteFile(name, b, 0o600))
		}
		to := newSink()
		close(to.open)
		reader := sdkmetric.NewManualReader()
		r = startWith(t, small(), dir, to, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test"))
		for range 3 - len(c.hit) {
			<-to.got
		}
		_, err = r.call(t, request(t, span(1), span(2)))
		require.NoError(t, err)
		<-to.got
		require.Eventually(t, func() bool { return ledger(t, r.Service).GetDone() == 8 }, 10*time.Second, time.Millisecond)
		require.EqualValues(t, 8, ledger(t, r.Service).GetAccepted())
		require.Zero(t, ledger(t, r.Service).GetBacklog(), "what is lost is waited for no more")
		require.Equal(t, c.lost, shown(t, reader, "wal.lost"))
		require.Equal(t, c.torn, shown(t, reader, "wal.torn"))
		r.stop()
	}
}

func named(n int) *tracev1.Span {
	s := span(1)
	s.Name = "record" + strconv.Itoa(n)
	return s
}
