package ingestion

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// observe shows what the notary counts.
func (n *notary) observe(m metric.Meter) error {
	var faults []error
	var all []metric.Observable
	counter := func(name, unit, help string) metric.Int64ObservableCounter {
		c, err := m.Int64ObservableCounter("triflow.ingestion.witness."+name, metric.WithUnit(unit), metric.WithDescription(help))
		faults, all = append(faults, err), append(all, c)
		return c
	}
	signed := counter("signed", "{receipt}", "Receipts given for batches that the SDK numbered.")
	dropped := counter("dropped", "{batch}", "Batches without a receipt because too many were waiting for theirs.")
	passed := counter("passed", "{request}", "Requests with numbered batches that get no receipt: cut up, joined, in JSON, or with too long a name.")
	found := counter("contradictions", "{contradiction}", "Receipts that contradict others.")
	refused := counter("refused", "{call}", "Calls with a receipt that is not signed by a known collector.")
	stale := counter("stale", "{receipt}", "Receipts that are older than what is remembered of their collector.")
	sent := counter("sent", "{receipt}", "Receipts that a peer has compared, by peer.")
	received := counter("received", "{receipt}", "Receipts that came in the name of a peer, by peer.")
	lost := counter("lost", "{receipt}", "Receipts that a peer will not see, because it refused them or was away for too long, by peer.")
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(signed, int64(n.signed.Load()))
		o.ObserveInt64(dropped, int64(n.dropped.Load()))
		o.ObserveInt64(passed, int64(n.passed.Load()))
		o.ObserveInt64(found, int64(n.found.Load()))
		o.ObserveInt64(refused, int64(n.refused.Load()))
		_, old := n.core.Counts()
		o.ObserveInt64(stale, int64(old))
		for name, p := range n.peers {
			of := metric.WithAttributeSet(attribute.NewSet(attribute.String("peer", name)))
			o.ObserveInt64(sent, int64(p.sent.Load()), of)
			o.ObserveInt64(received, int64(p.received.Load()), of)
			o.ObserveInt64(lost, int64(p.lost.Load()), of)
		}
		return nil
	}, all...)
	if err := errors.Join(append(faults, err)...); err != nil {
		return fmt.Errorf("make instruments of the witness: %w", err)
	}
	return nil
}

// flow gives the other collectors and the receipts that go to and fro; nil gives nothing.
func (n *notary) flow() (nodes []*ingestionv1.FlowNode, edges []*ingestionv1.FlowEdge) {
	if n == nil {
		return nil, nil
	}
	lateral := func(from, to string, receipts uint64) *ingestionv1.FlowEdge {
		return &ingestionv1.FlowEdge{
			From: from, To: to, Items: receipts, Type: ingestionv1.FlowType_FLOW_TYPE_EVENT,
			Effect: ingestionv1.FlowEffect_FLOW_EFFECT_LOSSLESS, Direction: ingestionv1.FlowDirection_FLOW_DIRECTION_LATERAL,
		}
	}
	const own = "collector"
	nodes = append(nodes, node(own, ingestionv1.FlowRole_FLOW_ROLE_STAGE, n.door.cfg.Name))
	for _, name := range slices.Sorted(maps.Keys(n.peers)) {
		p := n.peers[name]
		nodes = append(nodes, node(own+"/"+name, ingestionv1.FlowRole_FLOW_ROLE_STAGE, name))
		edges = append(edges, lateral(own, own+"/"+name, p.sent.Load()), lateral(own+"/"+name, own, p.received.Load()))
	}
	return nodes, edges
}
