package wal

// inlineBytes is below which it is cheaper to copy a part than to name it in the write.
const inlineBytes = 1 << 10

// layout is a batch of records as it goes to the disk in one write: large parts stay where the callers have them, and
// what is between them is gathered in small.
type layout struct {
	parts  [][]byte
	small  []byte
	cut    int // what of small is in parts
	places []place
	bytes  int64
	last   recordHeader // of the last record
}

var (
	padding [alignment]byte
	room    [recordBytes]byte // for a header
)

// set lays the records out behind position and total, the zero word behind them. The offsets of places are those in
// the batch.
func (y *layout) set(id, position, total uint64, batch []*request) {
	y.reset()
	y.last = recordHeader{position: position, total: total}
	for _, r := range batch {
		y.places = append(y.places, place{position: y.last.position, total: y.last.total, offset: y.bytes})
		y.last = recordHeader{
			length: uint32(r.length), payloadSum: r.sum,
			position: y.last.position + 1, weight: r.weight, total: y.last.total + r.weight,
		}
		r.position = y.last.position
		y.small = append(y.small, room[:]...)
		y.last.encode(id, y.small[len(y.small)-recordBytes:])
		y.bytes += recordBytes
		for _, p := range r.parts {
			y.add(p)
		}
		y.add(padding[:y.last.size()-recordBytes-int64(r.length)])
	}
	y.add(padding[:endBytes])
	y.seal()
	y.bytes -= endBytes
}

func (y *layout) add(p []byte) {
	y.bytes += int64(len(p))
	if len(p) < inlineBytes {
		y.small = append(y.small, p...)
		return
	}
	y.seal()
	y.parts = append(y.parts, p)
}

// seal names what was gathered. When small moves to grow, what was named keeps the bytes where they were.
func (y *layout) seal() {
	if len(y.small) > y.cut {
		y.parts = append(y.parts, y.small[y.cut:])
		y.cut = len(y.small)
	}
}

// reset lets go of what belongs to the callers.
func (y *layout) reset() {
	clear(y.parts)
	y.parts, y.small, y.cut, y.places, y.bytes = y.parts[:0], y.small[:0], 0, y.places[:0], 0
}
