package raftlog_test

import (
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/raftlog"
)

func TestEntriesAndNumbersSurviveReopeningAndRangesAreDeletedInclusively(t *testing.T) {
	dir := t.TempDir()
	s, err := raftlog.Open(dir)
	require.NoError(t, err)
	last, err := s.LastIndex()
	require.NoError(t, err)
	require.Zero(t, last)
	_, err = s.GetUint64([]byte("term"))
	require.EqualError(t, err, "not found")
	require.NoError(t, s.SetUint64([]byte("term"), 7))
	var entries []*raft.Log
	for i := uint64(1); i <= 300; i++ {
		entries = append(entries, &raft.Log{Index: i, Term: 2, Data: []byte{byte(i)}, Extensions: []byte("x"), AppendedAt: time.Unix(1, 2)})
	}
	require.NoError(t, s.StoreLogs(entries))
	require.NoError(t, s.DeleteRange(1, 10))
	require.NoError(t, s.DeleteRange(290, 300))
	require.NoError(t, s.Close())

	s, err = raftlog.Open(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	first, err := s.FirstIndex()
	require.NoError(t, err)
	last, err = s.LastIndex()
	require.NoError(t, err)
	require.Equal(t, []uint64{11, 289}, []uint64{first, last})
	var got raft.Log
	require.NoError(t, s.GetLog(289, &got))
	require.Equal(t, *entries[288], got)
	require.ErrorIs(t, s.GetLog(10, &got), raft.ErrLogNotFound)
	term, err := s.GetUint64([]byte("term"))
	require.NoError(t, err)
	require.Equal(t, uint64(7), term)
}
