package decide

// causes holds each cause once, as long as a decision has it. Freed places are used again.
type causes struct {
	list  []*Cause // nil where free
	uses  []uint32
	free  []uint32
	known map[Cause]uint32
}

func newCauses() causes { return causes{known: map[Cause]uint32{}} }

// retain notes one more use of c and gives its place.
func (c *causes) retain(v Cause) uint32 {
	at, ok := c.known[v]
	if !ok {
		at = c.place(&v)
		c.known[v] = at
	}
	c.uses[at]++
	return at
}

func (c *causes) place(v *Cause) uint32 {
	if n := len(c.free); n > 0 {
		at := c.free[n-1]
		c.free = c.free[:n-1]
		c.list[at] = v
		return at
	}
	c.list = append(c.list, v)
	c.uses = append(c.uses, 0)
	return uint32(len(c.list) - 1)
}

// release notes that a use of the cause at a place has ended.
func (c *causes) release(at uint32) {
	if c.uses[at]--; c.uses[at] > 0 {
		return
	}
	delete(c.known, *c.list[at])
	c.list[at] = nil
	c.free = append(c.free, at)
}
