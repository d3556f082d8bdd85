package decide

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"time"
)

const (
	snapshotMagic   = "TRIFDECS"
	snapshotVersion = 1
	maxTextBytes    = 1 << 20
)

// Snapshot is a state as it was at one moment. It shares nothing that changes.
type Snapshot struct {
	policies Policies
	limit    int
	slots    []slot
	causes   []*Cause
}

// Snapshot copies the state, 40 bytes a decision.
func (s *State) Snapshot() *Snapshot {
	return &Snapshot{s.policies, s.table.limit, s.table.ordered(), slices.Clone(s.table.causes.list)}
}

// WriteTo streams the snapshot.
func (s *Snapshot) WriteTo(w io.Writer) (int64, error) {
	out := &sink{w: bufio.NewWriterSize(w, 1<<16), sum: crc32.New(castagnoli())}
	out.write([]byte(snapshotMagic))
	out.u32(snapshotVersion)
	out.u64(uint64(s.limit))
	out.u64(s.policies.Epoch)
	out.u64(uint64(s.policies.Time.UnixNano()))
	out.text(s.policies.Etag)
	out.text(string(s.policies.Set))

	places := map[uint32]uint32{}
	var order []uint32
	for _, e := range s.slots {
		if _, seen := places[e.cause]; !seen {
			places[e.cause] = uint32(len(order))
			order = append(order, e.cause)
		}
	}
	out.u32(uint32(len(order)))
	for _, at := range order {
		c := s.causes[at]
		out.text(c.Policy)
		out.text(c.Reason)
		out.u64(c.Epoch)
		out.u64(c.Term)
	}
	out.u64(uint64(len(s.slots)))
	for _, e := range s.slots {
		out.write(e.trace[:])
		out.u64(e.bits)
		out.u64(uint64(e.nanos))
		out.u32(places[e.cause])
	}
	out.u32(out.sum.Sum32())
	if out.err == nil {
		out.err = out.w.Flush()
	}
	if out.err != nil {
		return out.n, fmt.Errorf("write snapshot: %w", out.err)
	}
	return out.n, nil
}

// Restore reads a snapshot to its end and makes the state that it was taken of.
func Restore(r io.Reader, seed uint64) (*State, error) {
	in := &source{r: bufio.NewReaderSize(r, 1<<16), sum: crc32.New(castagnoli())}
	s, err := restore(in, seed)
	if err = errors.Join(err, in.err); err != nil {
		return nil, fmt.Errorf("restore snapshot: %w", err)
	}
	return s, nil
}

func restore(in *source, seed uint64) (*State, error) {
	if magic := in.read(len(snapshotMagic)); string(magic) != snapshotMagic {
		return nil, fmt.Errorf("magic %q, want %q", magic, snapshotMagic)
	}
	if v := in.u32(); v != snapshotVersion {
		return nil, fmt.Errorf("version %d, want %d", v, snapshotVersion)
	}
	limit := in.u64()
	if limit < 1 || limit > MaxLimit {
		return nil, fmt.Errorf("limit %d, want 1 to %d", limit, MaxLimit)
	}
	s := &State{table: newTable(seed, int(limit))}
	s.policies = Policies{Epoch: in.u64(), Time: time.Unix(0, int64(in.u64())).UTC(), Etag: in.text(), Set: []byte(in.text())}
	if s.policies.Epoch == 0 {
		s.policies = Policies{}
	}
	all := make([]Cause, 0)
	for n := in.u32(); n > 0 && in.err == nil; n-- {
		all = append(all, Cause{Policy: in.text(), Reason: in.text(), Epoch: in.u64(), Term: in.u64()})
	}
	n := in.u64()
	if n > limit {
		return nil, fmt.Errorf("%d decisions, want at most %d", n, limit)
	}
	var slots []slot
	for ; n > 0 && in.err == nil; n-- {
		var e slot
		copy(e.trace[:], in.read(len(e.trace)))
		e.bits, e.nanos = in.u64(), int64(in.u64())
		at := in.u32()
		if int(at) >= len(all) {
			return nil, fmt.Errorf("cause %d, want one of %d", at, len(all))
		}
		e.cause = s.table.causes.retain(all[at])
		slots = append(slots, e)
	}
	s.table.adopt(slots)
	return s, in.finish()
}

// sink writes and sums. After a fault it writes nothing more.
type sink struct {
	w   *bufio.Writer
	sum hash.Hash32
	n   int64
	err error
}

func (s *sink) write(b []byte) {
	if s.err != nil {
		return
	}
	s.sum.Write(b)
	var n int
	n, s.err = s.w.Write(b)
	s.n += int64(n)
}

func (s *sink) u32(v uint32) { s.write(binary.BigEndian.AppendUint32(nil, v)) }

func (s *sink) u64(v uint64) { s.write(binary.BigEndian.AppendUint64(nil, v)) }

func (s *sink) text(v string) {
	s.u32(uint32(len(v)))
	s.write([]byte(v))
}

// source reads and sums. After a fault everything reads as zero, and err tells the first.
type source struct {
	r   *bufio.Reader
	sum hash.Hash32
	buf [16]byte
	err error
}

// read gives n bytes, at most 16, which the next call overwrites.
func (s *source) read(n int) []byte {
	b := s.buf[:n]
	clear(b)
	s.fill(b)
	return b
}

func (s *source) fill(b []byte) {
	if s.err != nil {
		return
	}
	if _, s.err = io.ReadFull(s.r, b); s.err != nil {
		clear(b)
		return
	}
	s.sum.Write(b)
}

func (s *source) u32() uint32 { return binary.BigEndian.Uint32(s.read(4)) }

func (s *source) u64() uint64 { return binary.BigEndian.Uint64(s.read(8)) }

func (s *source) text() string {
	n := s.u32()
	if n > maxTextBytes {
		s.err = errors.Join(s.err, fmt.Errorf("text of %d bytes, want at most %d", n, maxTextBytes))
		return ""
	}
	b := make([]byte, n)
	s.fill(b)
	return string(b)
}

// finish checks the sum, and that nothing follows it.
func (s *source) finish() error {
	if s.err != nil {
		return nil // told by Restore
	}
	want := s.sum.Sum32()
	if got := s.u32(); s.err == nil && got != want {
		return fmt.Errorf("CRC-32C %08x, want %08x", got, want)
	}
	if _, err := s.r.ReadByte(); err != io.EOF {
		return errors.New("more than a snapshot")
	}
	return nil
}
