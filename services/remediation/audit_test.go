package remediation

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

func TestEveryChangeOfTheTrailIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	a, err := openAudit(path)
	require.NoError(t, err)
	for _, e := range []string{"proposed", "approved", "step_started"} {
		require.NoError(t, a.Append(time.Unix(1, 5), "p1", e, "ann", "détail"))
	}
	require.NoError(t, a.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := bytes.SplitAfter(whole, []byte("\n"))

	for name, c := range map[string]struct {
		text  []byte
		broke bool
	}{
		"as it was":           {whole, false},
		"empty":               {nil, false},
		"a torn last line":    {whole[:len(whole)-3], false},
		"a torn first line":   {whole[:5], false},
		"another detail":      {bytes.Replace(whole, []byte("détail"), []byte("detail"), 1), true},
		"another actor":       {bytes.Replace(whole, []byte("ann"), []byte("bob"), 1), true},
		"a line taken out":    {bytes.Join([][]byte{lines[0], lines[1], lines[3]}, nil), true},
		"the first taken out": {bytes.Join([][]byte{lines[0], lines[2], lines[3]}, nil), true},
		"a line twice":        {bytes.Join([][]byte{lines[0], lines[1], lines[1], lines[2]}, nil), true},
		"two exchanged":       {bytes.Join([][]byte{lines[0], lines[2], lines[1], lines[3]}, nil), true},
		"another format":      {append([]byte("hello\n"), whole...), true},
		"no JSON":             {append(bytes.Clone(whole), "x\n"...), true},
		"a line without end":  {append(bytes.Clone(whole), bytes.Repeat([]byte("x"), 2*maxAuditLine)...), true},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, c.text, 0o600))
			a, err := openAudit(path)
			require.NoError(t, err)
			defer func() { require.NoError(t, a.Close()) }()
			if c.broke {
				require.ErrorIs(t, a.Broken(), ErrAudit)
				require.ErrorIs(t, a.Append(time.Unix(2, 0), "p1", "approved", "ann", ""), ErrAudit)
				after, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, c.text, after, "evidence is left as it is")
				return
			}
			require.NoError(t, a.Broken())
			require.NoError(t, a.Append(time.Unix(2, 0), "p1", "succeeded", "ann", ""))
			b, err := openAudit(path)
			require.NoError(t, err)
			require.NoError(t, b.Broken())
			require.NoError(t, b.Close())
		})
	}
}

func TestABrokenTrailStopsEveryActionButNotReading(t *testing.T) {
	for name, tamper := range map[string]func([]byte) []byte{
		"changed":   func(b []byte) []byte { return bytes.Replace(b, []byte("triflow\""), []byte("trifl0w\""), 1) },
		"cut short": func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1] },
		"emptied":   func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.open()
			w.diagnosis.set("i1", cause("cart", slow, 0.9))
			w.diagnosis.set("i2", cause("db", slow, 0.9))
			w.review(1)
			plans := w.s.all()
			require.NoError(t, w.approve(plans[0]))
			path := filepath.Join(w.dir, "audit.log")
			trail, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, tamper(trail), 0o600))

			w.open()
			require.ErrorIs(t, w.s.Ready(), ErrAudit)
			require.Len(t, w.s.all(), 2)
			require.ErrorIs(t, w.s.review(t.Context()), ErrAudit)
			require.ErrorIs(t, w.s.run(t.Context(), w.s.all()[0]), ErrAudit)
			err = w.approve(plans[1])
			require.Equal(t, codes.FailedPrecondition, status.Code(err))
			require.ErrorContains(t, err, "audit trail is broken")
			require.Zero(t, w.sampling.updates)
		})
	}
}
