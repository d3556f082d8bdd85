package assembly

import (
	"time"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/assembly/internal/red"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// maxPeers bounds what is learned of addresses.
const maxPeers = 10_000

// peer is an address, with its port if there is one, as one service calls it.
type peer struct{ client, address, port string }

// calls counts, for a trace that has closed, the calls between services and what its requests were. It is what
// needs the trace as a whole; requests themselves are counted when their span comes.
//
// A call is a client or producer span with a server or consumer span of another service below it; without a span of
// the caller, the server's stands for it. A call without a span on the other side goes to a dependency that is
// known by its attributes. An address behind which one service alone has answered before is that service: its span is
// late.
type calls struct {
	book *red.Book
	// peers gives the service that answered behind an address; empty if there were several.
	peers map[peer]string
	// answered[i] tells that span i has its call counted.
	answered []bool
}

// count adds a picture to the book.
func (c *calls) count(p *picture, now time.Time) {
	p.work.Measure(p.tree)
	for _, r := range p.work.Requests {
		s := &p.tree.Spans[r.Root]
		if red.InRange(s.End, now) {
			root := p.tree.Parent[r.Root] == tree.None && s.Parent.IsZero()
			c.book.Work(c.book.Node(p.service(r.Root), red.Service), red.Work{End: s.End, Self: r.Self, OwnError: r.OwnError, Root: root})
		}
	}
	c.answered = append(c.answered[:0], make([]bool, len(p.entries))...)
	for _, i := range p.tree.Order {
		if up := p.tree.Parent[i]; up != tree.None && p.tree.Spans[i].Kind.Receives() {
			c.answer(p, up, i, now)
		}
	}
	for _, i := range p.tree.Order {
		if p.tree.Spans[i].Kind.Sends() && !c.answered[i] {
			c.unanswered(p, i, now)
		}
	}
}

// answer counts the call from span up that span i received. A caller's span with several receivers is one call.
func (c *calls) answer(p *picture, up, i int32, now time.Time) {
	client, server := p.service(up), p.service(i)
	counted, e := c.answered[up], &p.entries[up]
	c.answered[up] = true
	if client == server || counted && p.tree.Spans[up].Kind.Sends() {
		return
	}
	if !p.tree.Spans[up].Kind.Sends() {
		e = &p.entries[i]
	} else {
		c.learn(p.peer(up), server)
	}
	r := requestOf(e.start, e.end, e.kind, e.status)
	r.Asynchronous = r.Asynchronous || p.entries[i].kind == otlp.KindConsumer
	c.call(red.Edge{Client: client, Server: server}, red.Service, r, now)
}

// learn notes who answered behind an address.
func (c *calls) learn(at peer, server string) {
	if at.address == "" {
		return
	}
	known, ok := c.peers[at]
	switch {
	case ok && known != server:
		c.peers[at] = "" // a proxy, or an address that has moved on
	case !ok && len(c.peers) < maxPeers:
		c.peers[at] = server
	}
}

// unanswered counts the call of span i, which has no span on the other side, if it says whom it called.
func (c *calls) unanswered(p *picture, i int32, now time.Time) {
	e := &p.entries[i]
	client := p.service(i)
	server, kind := p.dependency(i)
	if kind == red.External {
		if name := c.peers[p.peer(i)]; name != "" {
			server, kind = name, red.Service
		}
	}
	if server != "" && server != client {
		c.call(red.Edge{Client: client, Server: server}, kind, requestOf(e.start, e.end, e.kind, e.status), now)
	}
}

func (c *calls) call(e red.Edge, server red.Kind, r red.Request, now time.Time) {
	if red.InRange(r.End, now) {
		c.book.Call(e, server, r)
	}
}

// peer tells whom span i called.
func (p *picture) peer(i int32) peer {
	return peer{p.service(i), p.attrText(i, addressKeys()...), p.attrText(i, "server.port", "net.peer.port")}
}

// dependency names what span i called, by the semantic conventions of OpenTelemetry and their older names: a
// database or broker as "system@where", anything else by its address. The name is empty if the span does not say.
func (p *picture) dependency(i int32) (string, red.Kind) {
	if system := p.attrText(i, "db.system.name", "db.system"); system != "" {
		return within(system, p.attrText(i, "server.address", "net.peer.name", "db.namespace", "db.name")), red.Database
	}
	if system := p.attrText(i, "messaging.system"); system != "" {
		return within(system, p.attrText(i, "messaging.destination.name", "messaging.destination", "server.address")), red.Queue
	}
	return p.attrText(i, addressKeys()...), red.External
}

// addressKeys are the attributes of a call that name the other side, best first.
func addressKeys() []string { return []string{"peer.service", "server.address", "net.peer.name"} }

func within(system, where string) string {
	if where == "" {
		return system
	}
	return system + "@" + where
}
