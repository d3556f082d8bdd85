package witness

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
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
	// First tells that the other receipts agreed until the latest one came.
	First bool
}

// judge tells what the receipts of one batch say together, latest included, of so many collectors that are known. Nil
// says that they agree. What it tells depends on what they are and not on their order, but for First.
func judge(latest Receipt, receipts []Receipt, known int) *Contradiction {
	if agree(receipts) {
		return nil
	}
	c := &Contradiction{Batch: latest.Batch, Receipts: slices.SortedFunc(slices.Values(receipts), compare), Known: known}
	c.First = agree(slices.DeleteFunc(receipts, func(r Receipt) bool { return r == latest }))
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

func agree(receipts []Receipt) bool {
	return !slices.ContainsFunc(receipts, func(r Receipt) bool { return r.Digest != receipts[0].Digest })
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

// shown is how many receipts Evidence gives at most.
const shown = 3

// Evidence gives what a third party needs to check it with the public keys: one receipt for each digest, with its
// signature. The text is bounded.
func (c *Contradiction) Evidence() string {
	var b strings.Builder
	var told []Digest
	for _, r := range c.Receipts {
		if slices.Contains(told, r.Digest) || len(told) == shown {
			continue
		}
		if told = append(told, r.Digest); len(told) > 1 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s at %s: sha256 %x, signed %s",
			r.Collector, time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano), r.Digest, base64.StdEncoding.EncodeToString(r.Signature[:]))
	}
	return b.String()
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
