package witness

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// quorum is the fewest known collectors among whom a majority says who lies.
const quorum = 3

// Contradiction is the proof that the receipts of a batch cannot all be true.
type Contradiction struct {
	Batch Batch
	// Receipts are all that is known of the batch, by collector and digest; at most two of a collector.
	Receipts []Receipt
	// Suspects are those who are held to lie, by name. Without any it is a tie between Collectors.
	Suspects []string
	// Equivocal are the suspects that signed two digests themselves.
	Equivocal []string
	// Agreed is how many of the Known collectors vouch for the digest that most vouch for. Who is equivocal has no vote.
	Agreed, Known int
}

// judge tells what the receipts of one batch say together, of so many collectors that are known. It depends on what they
// are and not on their order. Nil says that they agree.
func judge(b Batch, receipts []Receipt, known int) *Contradiction {
	if !slices.ContainsFunc(receipts, func(r Receipt) bool { return r.Digest != receipts[0].Digest }) {
		return nil
	}
	c := &Contradiction{Batch: b, Receipts: slices.SortedFunc(slices.Values(receipts), compare), Known: known}
	votes := map[Digest]int{}
	voters := c.voters()
	var first Digest
	for _, r := range voters {
		votes[r.Digest]++
		if votes[r.Digest] > c.Agreed {
			c.Agreed, first = votes[r.Digest], r.Digest
		}
	}
	c.Suspects = slices.Clone(c.Equivocal)
	if c.Known >= quorum && 2*c.Agreed > c.Known {
		for _, r := range voters {
			if r.Digest != first {
				c.Suspects = append(c.Suspects, r.Collector)
			}
		}
	}
	slices.Sort(c.Suspects)
	return c
}

// voters gives the receipts of those who signed one digest, and notes who signed two.
func (c *Contradiction) voters() []Receipt {
	var one []Receipt
	for _, r := range c.Receipts {
		switch last := len(one) - 1; {
		case last >= 0 && one[last].Collector == r.Collector:
			one = one[:last]
			c.Equivocal = append(c.Equivocal, r.Collector)
		default:
			one = append(one, r)
		}
	}
	return one
}

func compare(a, b Receipt) int {
	return cmp.Or(cmp.Compare(a.Collector, b.Collector), bytes.Compare(a.Digest[:], b.Digest[:]))
}

// Collectors are all who vouch for something, by name.
func (c *Contradiction) Collectors() []string {
	var names []string
	for _, r := range c.Receipts {
		names = append(names, r.Collector)
	}
	return slices.Compact(names)
}

// Against gives the receipts of one collector for another digest than that of r: what it answers to who showed it r.
func (c *Contradiction) Against(r Receipt, collector string) []Receipt {
	return slices.DeleteFunc(slices.Clone(c.Receipts), func(own Receipt) bool {
		return own.Collector != collector || own.Digest == r.Digest
	})
}

// String tells it to a person.
func (c *Contradiction) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "batch %d of %s: ", c.Batch.Sequence, c.Batch.Stream)
	for i, r := range c.Receipts {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s vouches for %x", r.Collector, r.Digest[:4])
	}
	switch {
	case len(c.Suspects) == 0:
		b.WriteString("; nobody can tell who is right")
	case len(c.Equivocal) == len(c.Suspects):
		fmt.Fprintf(&b, "; %s signed both", strings.Join(c.Suspects, " and "))
	default:
		fmt.Fprintf(&b, "; %d of %d agree against %s", c.Agreed, c.Known, strings.Join(c.Suspects, " and "))
	}
	return b.String()
}
