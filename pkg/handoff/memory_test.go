package handoff_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/handoff"
)

// lent is a batch whose payload the client may let go: freed gets a token when it does, and the payload is spoilt.
func lent(position uint64, size int) (b handoff.Batch, done, freed chan struct{}) {
	b, done = batch(position)
	b.Payload = bytes.Repeat([]byte{byte(position)}, size)
	b.Digest = handoff.Digest(b.Payload)
	freed = make(chan struct{}, 10)
	kept, payload := bytes.Clone(b.Payload), b.Payload
	b.Read = func(context.Context) ([]byte, error) { return kept, nil }
	b.Own = func() func() {
		return func() {
			for i := range payload {
				payload[i] = 0xff
			}
			freed <- struct{}{}
		}
	}
	return b, done, freed
}

func TestAPayloadIsLetGoWhenItIsOnTheConnection(t *testing.T) {
	for _, size := range []int{10, 100_000} { // gRPC copies what is small
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			r := newRecorder()
			r.hold = true
			c := runClient(t, newWire(t, r).conn, 4)
			b, done, freed := lent(1, size)
			require.NoError(t, c.Push(t.Context(), b))
			got := r.wait(t, 1)[0]
			got.Done()
			<-done
			<-freed // gRPC holds what it may have to send again until the first answer
			b, _, freed = lent(2, size)
			require.NoError(t, c.Push(t.Context(), b))
			require.Equal(t, bytes.Repeat([]byte{2}, size), r.wait(t, 2)[1].Payload)
			<-freed
		})
	}
}

func TestWhatWasLetGoIsReadAgainForTheNextStream(t *testing.T) {
	r := newRecorder()
	r.hold = true
	w := newWire(t, r)
	c := runClient(t, w.conn, 10)
	var dones []chan struct{}
	for p := range uint64(5) {
		b, done, _ := lent(p+1, 50_000)
		require.NoError(t, c.Push(t.Context(), b))
		dones = append(dones, done)
	}
	r.wait(t, 5)
	w.kill()
	w.start(t, r)
	for i, b := range r.wait(t, 10)[5:] {
		require.Equal(t, bytes.Repeat([]byte{byte(i + 1)}, 50_000), b.Payload)
		b.Done()
	}
	for _, done := range dones {
		<-done
	}
}

func TestWhatCannotBeReadAgainIsPassedOver(t *testing.T) {
	r := newRecorder()
	r.hold = true
	w := newWire(t, r)
	c := runClient(t, w.conn, 10)
	gone, goneDone, _ := lent(1, 50_000)
	gone.Read = func(context.Context) ([]byte, error) { return nil, errors.New("damaged") }
	there, thereDone, _ := lent(2, 50_000)
	require.NoError(t, c.Push(t.Context(), gone))
	require.NoError(t, c.Push(t.Context(), there))
	r.wait(t, 2)
	w.kill()
	w.start(t, r)
	<-goneDone
	got := r.wait(t, 3)[2]
	require.Equal(t, uint64(2), got.Position)
	got.Done()
	<-thereDone
}

func TestWhatALogThatWasClosedHoldsIsNotPassedOver(t *testing.T) {
	r := newRecorder()
	r.hold = true
	w := newWire(t, r)
	c := runClient(t, w.conn, 10)
	asked := make(chan struct{})
	b, done, _ := lent(1, 50_000)
	b.Read = func(context.Context) ([]byte, error) { close(asked); return nil, handoff.ErrEnded }
	require.NoError(t, c.Push(t.Context(), b))
	r.wait(t, 1)
	w.kill()
	w.start(t, r)
	<-asked
	require.Empty(t, done)
	require.Len(t, r.wait(t, 1), 1)
}

// TestPushWaitsWhileTooMuchIsNotSent needs no receiver: what cannot be sent must not pile up in memory.
func TestPushWaitsWhileTooMuchIsNotSent(t *testing.T) {
	c := handoff.NewClient(newWire(t, newRecorder()).conn, handoff.ClientOptions{Signal: traces})
	taken := 0
	for p := uint64(1); ; p++ {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		b, _, _ := lent(p, 1<<20)
		err := c.Push(ctx, b)
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			break
		}
		taken++
	}
	require.Equal(t, 4, taken)
}

// TestNothingIsSpoiltWhenStreamsBreak sends payloads whose memory is used for something else as soon as they are freed, over
// streams that break again and again.
func TestNothingIsSpoiltWhenStreamsBreak(t *testing.T) {
	const records = 400
	r := newRecorder()
	var spoilt atomic.Int64
	r.judge = func(b handoff.Batch) error {
		if want := strings.Repeat(fmt.Sprintf("%08d", b.Position), 1000); string(b.Payload) != want {
			spoilt.Add(1)
		}
		return nil
	}
	w := newWire(t, r)
	l := openLog(t, records, func(i int) []byte { return []byte(strings.Repeat(fmt.Sprintf("%08d", i), 1000)) })
	_, reached, _ := startPump(t, l, runClient(t, w.conn, 16))
	for n := 50; n < records; n += 50 {
		r.wait(t, n)
		w.kill()
		w.start(t, r)
	}
	awaitPosition(t, reached, records)
	require.Zero(t, spoilt.Load())
}
