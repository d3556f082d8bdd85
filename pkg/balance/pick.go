package balance

import (
	"github.com/cespare/xxhash/v2"

	"github.com/triflow/triflow/pkg/id"
)

// RoundRobin takes turns. The zero value begins with the first.
type RoundRobin struct{ next int }

// Pick gives the endpoint whose turn it is. among has at least one, rising; it may differ from call to call, and those
// that stay keep their turns.
func (r *RoundRobin) Pick(among []int) int {
	picked := among[0]
	for _, i := range among {
		if i >= r.next {
			picked = i
			break
		}
	}
	r.next = picked + 1
	return picked
}

// LeastConnections picks what is least busy; those that are equally busy take turns.
type LeastConnections struct {
	turns RoundRobin
	ties  []int
}

// Pick gives the endpoint with the fewest calls under way. among has at least one, rising.
func (l *LeastConnections) Pick(among []int, underWay func(endpoint int) int) int {
	l.ties = l.ties[:0]
	least := 0
	for _, i := range among {
		n := underWay(i)
		if len(l.ties) > 0 && n > least {
			continue
		}
		if n < least {
			l.ties = l.ties[:0]
		}
		least = n
		l.ties = append(l.ties, i)
	}
	return l.turns.Pick(l.ties)
}

// Consistent picks by the trace: the same endpoint each time, as long as that is among those to choose from. It is
// rendezvous hashing (Thaler and Ravishankar, 1996): when an endpoint goes only its traces move, spread over all
// others, and when it returns just these come back. Names count, not places, so that every process with the same
// endpoints agrees.
type Consistent struct{ seeds []uint64 }

// NewConsistent knows endpoints by their names, which differ.
func NewConsistent(names []string) *Consistent {
	c := &Consistent{seeds: make([]uint64, len(names))}
	for i, name := range names {
		c.seeds[i] = xxhash.Sum64String(name)
	}
	return c
}

// Pick gives the endpoint of a trace. among has at least one.
func (c *Consistent) Pick(among []int, trace id.Trace) int {
	key := xxhash.Sum64(trace[:])
	picked, best := among[0], uint64(0)
	for _, i := range among {
		score := mix(key ^ c.seeds[i])
		if score > best || score == best && c.seeds[i] > c.seeds[picked] {
			picked, best = i, score
		}
	}
	return picked
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
