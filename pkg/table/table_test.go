package table_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/triflow/triflow/pkg/table"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string, limit int) *table.Table[*diagnosisv1.Incident] {
	t.Helper()
	tb, err := table.Open(dir, limit, func() *diagnosisv1.Incident { return &diagnosisv1.Incident{} })
	require.NoError(t, err)
	return tb
}

func put(t *testing.T, tb *table.Table[*diagnosisv1.Incident], id, title string) {
	t.Helper()
	require.NoError(t, tb.Put(id, &diagnosisv1.Incident{Id: id, Title: title}))
}

func titles(rows []*diagnosisv1.Incident) (out []string) {
	for _, r := range rows {
		out = append(out, r.GetTitle())
	}
	return out
}

func TestRowsComeNewestFirstPageByPage(t *testing.T) {
	tb := open(t, t.TempDir(), 100)
	defer func() { require.NoError(t, tb.Close()) }()
	for i := range 5 {
		put(t, tb, fmt.Sprintf("%02d", i), fmt.Sprint(i))
	}
	rows, next, err := tb.List("", 2, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"4", "3"}, titles(rows))
	rows, next, err = tb.List(next, 3, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"2", "1", "0"}, titles(rows))
	require.Empty(t, next)

	odd := func(i *diagnosisv1.Incident) bool { return i.GetTitle() == "1" || i.GetTitle() == "3" }
	rows, next, err = tb.List("", 1, odd)
	require.NoError(t, err)
	require.Equal(t, []string{"3"}, titles(rows))
	rows, next, err = tb.List(next, 1, odd)
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, titles(rows))
	require.Empty(t, next)
}

func TestAPutReplacesAndSurvivesAReopen(t *testing.T) {
	dir := t.TempDir()
	tb := open(t, dir, 100)
	put(t, tb, "a", "first")
	put(t, tb, "a", "second")
	require.NoError(t, tb.Close())

	tb = open(t, dir, 100)
	defer func() { require.NoError(t, tb.Close()) }()
	got, err := tb.Get("a")
	require.NoError(t, err)
	require.Equal(t, "second", got.GetTitle())
	_, err = tb.Get("b")
	require.ErrorIs(t, err, table.ErrNotFound)
}

func TestTheOldestRowsGoBeyondTheLimit(t *testing.T) {
	dir := t.TempDir()
	tb := open(t, dir, 3)
	for i := range 6 {
		put(t, tb, fmt.Sprintf("%02d", i), fmt.Sprint(i))
	}
	put(t, tb, "05", "five")
	rows, _, err := tb.List("", 10, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"five", "4", "3"}, titles(rows))
	require.NoError(t, tb.Close())

	tb = open(t, dir, 2)
	defer func() { require.NoError(t, tb.Close()) }()
	put(t, tb, "06", "6")
	rows, _, err = tb.List("", 10, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"6", "five"}, titles(rows), "a smaller limit holds from the next put")
}
