package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	version         = 1
	headerBytes     = 64 // of a segment
	recordBytes     = 40 // of a record, before its payload
	endBytes        = 8  // the zero word after the last record
	alignment       = 8
	maxSegmentBytes = alignment << 32 // so that a header can say sizes and counts in 32 bits
	recordMarker    = 0x8d5afe1b
)

var (
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	segmentMagic = [8]byte{'T', 'R', 'I', 'F', 'L', 'W', 'A', 'L'}
	markMagic    = [8]byte{'T', 'R', 'I', 'F', 'L', 'M', 'R', 'K'}
	little       = binary.LittleEndian
)

// errVersion says that a newer program wrote the file.
var errVersion = errors.New("unknown version")

// segmentHeader is what a segment says of itself and of the one before it.
type segmentHeader struct {
	id                    uint64
	base, baseTotal       uint64
	previous, previousEnd uint64 // base and end of the segment before; 0 without one
	records               uint32 // in the segment before, damaged ones too; positions have no gap inside of a segment
	size                  int64  // of the file when it was made; a multiple of alignment
}

// previousLast is the position of the last record in the segment before.
func (h segmentHeader) previousLast() uint64 {
	if h.records == 0 && h.previousEnd > headerBytes {
		return h.base - 1 // an older program did not count
	}
	return h.previous + uint64(h.records) - 1
}

func (h segmentHeader) encode() []byte {
	b := make([]byte, headerBytes)
	copy(b, segmentMagic[:])
	little.PutUint32(b[8:], version)
	for i, v := range []uint64{h.id, h.base, h.baseTotal, h.previous, h.previousEnd, uint64(h.records)<<32 | uint64(h.size/alignment)} {
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
	return segmentHeader{
		id: at(0), base: at(1), baseTotal: at(2), previous: at(3), previousEnd: at(4),
		records: uint32(at(5) >> 32), size: int64(uint32(at(5))) * alignment,
	}, true
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
	little.PutUint64(b[0:], id) // where marker and sum go: the sum is as of recordSum, without a scratch
	little.PutUint32(b[8:], h.length)
	little.PutUint32(b[12:], h.payloadSum)
	little.PutUint64(b[16:], h.position)
	little.PutUint64(b[24:], h.weight)
	little.PutUint64(b[32:], h.total)
	sum := crc32.Checksum(b[:recordBytes], castagnoli)
	little.PutUint32(b[0:], recordMarker)
	little.PutUint32(b[4:], sum)
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

// checkBlock says whether b is a segment header or slot of this version.
func checkBlock(b []byte, magic [8]byte) bool {
	v, ok := blockVersion(b, magic)
	return ok && v == version
}

// blockVersion is the version of a segment header or slot that is whole.
func blockVersion(b []byte, magic [8]byte) (uint32, bool) {
	if len(b) != headerBytes || [8]byte(b) != magic || little.Uint32(b[12:]) != blockSum(b) {
		return 0, false
	}
	return little.Uint32(b[8:]), true
}

// refuseNewer is errVersion when b is whole and of another version, which this program must leave alone.
func refuseNewer(b []byte, magic [8]byte) error {
	if v, ok := blockVersion(b, magic); ok && v != version {
		return fmt.Errorf("version %d, want %d: %w", v, version, errVersion)
	}
	return nil
}

func blockSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:headerBytes])
}
