package otlp

// Level says how deeply a view looks into what it scans. A deeper level finds faults in all items in which a shallower
// one finds them, and costs more. Whatever the level, a request whose framing is bad as far as the level looks is refused
// as a whole, and a faulty item is only flagged: its neighbours are as good as they were.
type Level uint8

const (
	// LevelFraming makes sure that all items, and the fields of each, can be told apart. No item is flagged. It is for
	// bytes that Request has passed.
	LevelFraming Level = iota
	// LevelFields flags an item for what the view itself shows of it: ids of a wrong length, or zero where they may not
	// be, and names and other texts that are not UTF-8. Times are never a fault: see the methods Impossible.
	LevelFields
	// LevelAll flags all that Request would refuse or whose texts it would mend: every text, id, attribute, event, link,
	// exemplar and bucket, their number and their nesting, and the same of the resource, scope and metric around an item.
	LevelAll
)

// judge looks into a part or an item at LevelAll.
func judge(b []byte, id messageID, rng Range) (f Fault, at int, bad reason) {
	in := inspect(b, id, rng)
	if in.fault == 0 && in.mend.has(RepairUTF8) {
		in.fault = FaultUTF8
	}
	return in.fault, in.at, in.bad
}
