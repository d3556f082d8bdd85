package pipeline

import "slices"

// Fates tell what became of items on the way to one destination. Each item counts once, and once more in Copied for each
// time beyond the first that it was led there:
//
//	items + Copied = Led + Joined + Filtered + Dropped + Elsewhere
type Fates struct {
	// Led came to the destination.
	Led uint64
	// Joined became part of another item by an aggregate.
	Joined uint64
	// Filtered were dropped by a filter.
	Filtered uint64
	// Dropped were over a bound on the way to a mask.
	Dropped uint64
	// Elsewhere were led to other destinations only.
	Elsewhere uint64
	// Copied are the times that items were led there beyond the first.
	Copied uint64
}

// Add adds others.
func (f *Fates) Add(o Fates) {
	f.Led += o.Led
	f.Joined += o.Joined
	f.Filtered += o.Filtered
	f.Dropped += o.Dropped
	f.Elsewhere += o.Elsewhere
	f.Copied += o.Copied
}

// Items are those that the fates are of.
func (f Fates) Items() uint64 {
	return f.Led + f.Joined + f.Filtered + f.Dropped + f.Elsewhere - f.Copied
}

// ending is the fate of one item.
type ending struct {
	led int
	// lost is why it is no more, if it is gone: of several ways on which it ended the greatest reason.
	lost Reason
	gone bool
}

// drop ends the way of an item.
func (r *run) drop(e *entry, why Reason) {
	r.out.Dropped[why]++
	f := &r.fates[e.at]
	if !f.gone || f.lost < why {
		f.gone, f.lost = true, why
	}
}

// settle counts the fates of each request.
func (r *run) settle() {
	if r.in.To == "" {
		return
	}
	if d := slices.Index(r.set.destinations, r.in.To); d >= 0 {
		for i := range r.outbox[d] {
			r.fates[r.outbox[d][i].at].led++
		}
	}
	fates := r.fates
	for _, n := range r.in.Requests {
		n = min(n, len(fates))
		r.out.Fates = append(r.out.Fates, fatesOf(fates[:n]))
		fates = fates[n:]
	}
	if len(r.in.Requests) == 0 {
		r.out.Fates = append(r.out.Fates, fatesOf(fates))
	}
}

func fatesOf(items []ending) (all Fates) {
	for _, f := range items {
		switch {
		case f.led > 0:
			all.Led += uint64(f.led)
			all.Copied += uint64(f.led - 1)
		case !f.gone:
			all.Elsewhere++
		case f.lost == Filtered:
			all.Filtered++
		case f.lost == Budget:
			all.Dropped++
		default:
			all.Joined++
		}
	}
	return all
}

// pass gives out the request as it came, to Service.
func (o *Output) pass(in *Input) {
	led := in.To == "" || in.To == Service
	if led {
		o.Parts = append(o.Parts, Part{Destination: Service, Payload: in.Payload, Items: in.Items})
	}
	requests := in.Requests
	if in.To == "" {
		return
	}
	if len(requests) == 0 {
		requests = []int{in.Items}
	}
	for _, n := range requests {
		if led {
			o.Fates = append(o.Fates, Fates{Led: uint64(n)})
		} else {
			o.Fates = append(o.Fates, Fates{Elsewhere: uint64(n)})
		}
	}
}
