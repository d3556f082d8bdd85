package wal

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	version      = 1
	headerBytes  = 64 // of a segment
	recordBytes  = 40 // of a record, before its payload
	endBytes     = 8  // the zero word after the last record
	alignment    = 8
	recordMarker = 0x8d5afe1b
)

var (
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	segmentMagic = [8]byte{'T', 'R', 'I', 'F', 'L', 'W', 'A', 'L'}
	markMagic    = [8]byte{'T', 'R', 'I', 'F', 'L', 'M', 'R', 'K'}
	little       = binary.LittleEndian
)

// segmentHeader is what a segment says of itself and of the one before it.
type segmentHeader struct {
	id                    uint64
	base, baseTotal       uint64
	previous, previousEnd uint64 // base and end of the segment before; 0 without one
}

func (h segmentHeader) encode() []byte {
	b := make([]byte, headerBytes)
	copy(b, segmentMagic[:])
	little.PutUint32(b[8:], version)
	for i, v := range []uint64{h.id, h.base, h.baseTotal, h.previous, h.previousEnd} {
		little.PutUint64(b[16+8*i:], v)
	}
	little.PutUint32(b[12:], blockSum(b))
	return b
}

func decodeSegmentHeader(b []byte) (segmentHeader, bool) {
	if !checkBlock(b, segmentMagic) {
		return segmentHeader{}, false
	}
	at := func(i int) uint64 { return little.Uint64(b[16+8*i:]) }
	return segmentHeader{id: at(0), base: at(1), baseTotal: at(2), previous: at(3), previousEnd: at(4)}, true
}

// recordHeader is what stands before a payload.
type recordHeader struct {
	length, payloadSum      uint32
	position, weight, total uint64
}

// size is what the record takes in its segment.
func (h recordHeader) size() int64 { return recordSize(int64(h.length)) }

func recordSize(payload int64) int64 {
	return (recordBytes + payload + alignment - 1) &^ (alignment - 1)
}

// encode writes the header to the first recordBytes of b.
func (h recordHeader) encode(id uint64, b []byte) {
	little.PutUint32(b[0:], recordMarker)
	little.PutUint32(b[8:], h.length)
	little.PutUint32(b[12:], h.payloadSum)
	little.PutUint64(b[16:], h.position)
	little.PutUint64(b[24:], h.weight)
	little.PutUint64(b[32:], h.total)
	little.PutUint32(b[4:], recordSum(id, b))
}

// decodeRecordHeader reads a header from the first recordBytes of b; it says no to anything the log id has not signed.
func decodeRecordHeader(id uint64, b []byte) (recordHeader, bool) {
	if len(b) < recordBytes || little.Uint32(b) != recordMarker || little.Uint32(b[4:]) != recordSum(id, b) {
		return recordHeader{}, false
	}
	return recordHeader{
		length:     little.Uint32(b[8:]),
		payloadSum: little.Uint32(b[12:]),
		position:   little.Uint64(b[16:]),
		weight:     little.Uint64(b[24:]),
		total:      little.Uint64(b[32:]),
	}, true
}

func recordSum(id uint64, b []byte) uint32 {
	var salt [8]byte
	little.PutUint64(salt[:], id)
	return crc32.Update(crc32.Checksum(salt[:], castagnoli), castagnoli, b[8:recordBytes])
}

// mark is how far the log is released.
type mark struct {
	id          uint64
	sequence    uint64 // counts the writes of the file
	released    uint64
	last, total uint64 // the newest position and total when it was written
}

func (m mark) encode() []byte {
	b := make([]byte, headerBytes)
	copy(b, markMagic[:])
	little.PutUint32(b[8:], version)
	for i, v := range []uint64{m.id, m.sequence, m.released, m.last, m.total} {
		little.PutUint64(b[16+8*i:], v)
	}
	little.PutUint32(b[12:], blockSum(b))
	return b
}

func decodeMark(b []byte) (mark, bool) {
	if !checkBlock(b, markMagic) {
		return mark{}, false
	}
	at := func(i int) uint64 { return little.Uint64(b[16+8*i:]) }
	return mark{id: at(0), sequence: at(1), released: at(2), last: at(3), total: at(4)}, true
}

// checkBlock says whether b is a segment header or mark of this version.
func checkBlock(b []byte, magic [8]byte) bool {
	v, ok := blockVersion(b, magic)
	return ok && v == version
}

// blockVersion is the version of a segment header or mark that is whole.
func blockVersion(b []byte, magic [8]byte) (uint32, bool) {
	if len(b) != headerBytes || [8]byte(b) != magic || little.Uint32(b[12:]) != blockSum(b) {
		return 0, false
	}
	return little.Uint32(b[8:]), true
}

func blockSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:headerBytes])
}
