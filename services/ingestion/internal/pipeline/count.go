package pipeline

import "sync/atomic"

// count counts items and their bytes. Many goroutines may use it.
type count struct{ items, bytes atomic.Uint64 }

func (c *count) add(v volume) {
	c.items.Add(uint64(v.items))
	c.bytes.Add(uint64(v.bytes))
}

// volume is how many items there are, and how many bytes they have without what they share with others.
type volume struct{ items, bytes int }

func (v *volume) add(raw []byte) { v.items, v.bytes = v.items+1, v.bytes+len(raw) }

func (v *volume) plus(o volume) { v.items, v.bytes = v.items+o.items, v.bytes+o.bytes }

func volumeOf(raw []byte) volume { return volume{1, len(raw)} }
