package wal

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

const (
	segmentSuffix = ".wal"
	spareSuffix   = ".wal.spare"
	damagedSuffix = ".damaged"
	makingSuffix  = ".tmp"
	searchBytes   = 64 << 10
)

// segment is one file of records. Log.mu guards the fields after base.
type segment struct {
	name      string
	file      file
	base      uint64 // positions in it are at least base
	baseTotal uint64

	size    int64
	end     int64  // records before it are durable and can be read
	last    uint64 // highest position in it; base-1 without records
	total   uint64 // weight up to last
	index   []place
	faults  map[int64]struct{}
	suspect bool // holds bytes that could not be read, or a failed sync: must not be used again
	refs    int  // readers that are inside
	retired bool // to be closed by whoever leaves last
}

func segmentName(base uint64) string { return fmt.Sprintf("%016x%s", base, segmentSuffix) }

func parseSegmentName(name string) (base uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	base, err := strconv.ParseUint(digits, 16, 64)
	return base, err == nil && base > 0
}

// scanner walks the records of a file and gets over damage. It reads only what lies before end.
type scanner struct {
	file   file
	id     uint64
	offset int64
	end    int64
	after  uint64 // positions up to it are not of this file, or were read
	seen   recordHeader
	fault  int64 // where the last next came over something unreadable; 0 without
	buf    []byte
}

// found is a readable record.
type found struct {
	recordHeader
	payload []byte
}

// next gives the next record whose payload is sound. The payload is in a new slice unless buf has room for it. Without
// a record, offset is behind the last one whose header could be read. fault tells whether there was damage before.
func (s *scanner) next(from uint64) (found, bool) {
	s.fault = 0
	for {
		h, ok := s.step()
		if !ok {
			return found{}, false
		}
		if h.position < from {
			continue
		}
		at := s.offset - h.size()
		payload := s.buf
		if payload = payload[:0]; cap(payload) < int(h.length) {
			payload = make([]byte, h.length)
		}
		payload = payload[:h.length]
		_, err := s.file.ReadAt(payload, at+recordBytes)
		if err != nil || crc32.Checksum(payload, castagnoli) != h.payloadSum {
			s.note(at)
			continue
		}
		return found{h, payload}, true
	}
}

// step goes over the next record whose header is sound.
func (s *scanner) step() (recordHeader, bool) {
	h, ok := s.header()
	if !ok {
		to, found := s.search()
		if !found {
			return recordHeader{}, false
		}
		s.note(s.offset)
		s.offset = to
		if h, ok = s.header(); !ok {
			return recordHeader{}, false // the disk gave it a moment ago, and does not any more
		}
	}
	s.offset += h.size()
	s.after, s.seen = h.position, h
	return h, true
}

// note keeps the first place of damage.
func (s *scanner) note(at int64) {
	if s.fault == 0 {
		s.fault = at
	}
}

// header reads the header at offset. A length that does not fit before end is never believed.
func (s *scanner) header() (recordHeader, bool) {
	var b [recordBytes]byte
	if s.offset+recordBytes > s.end {
		return recordHeader{}, false
	}
	if _, err := s.file.ReadAt(b[:], s.offset); err != nil {
		return recordHeader{}, false
	}
	return s.accept(b[:], s.offset)
}

func (s *scanner) accept(b []byte, at int64) (recordHeader, bool) {
	h, ok := decodeRecordHeader(s.id, b)
	return h, ok && h.position > s.after && at+recordBytes+int64(h.length) <= s.end
}

// search looks behind offset for the next header.
func (s *scanner) search() (int64, bool) {
	window := make([]byte, searchBytes+recordBytes)
	for from := s.offset + alignment; from+recordBytes <= s.end; from += searchBytes {
		w := window[:min(int64(len(window)), s.end-from)]
		if _, err := s.file.ReadAt(w, from); err != nil {
			continue // a block that the disk does not give is damage like any other
		}
		for i := 0; i+recordBytes <= len(w) && i < searchBytes; i += alignment {
			if little.Uint32(w[i:]) != recordMarker {
				continue
			}
			if _, ok := s.accept(w[i:], from+int64(i)); ok {
				return from + int64(i), true
			}
		}
	}
	return 0, false
}

// clean tells whether nothing was begun at offset: the zero word stands there, or the file ends.
func (s *scanner) clean(size int64) bool {
	if s.offset+endBytes > size {
		return s.offset == size
	}
	var b [endBytes]byte
	_, err := s.file.ReadAt(b[:], s.offset)
	return err == nil && b == [endBytes]byte{}
}
