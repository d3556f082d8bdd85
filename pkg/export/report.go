package export

import (
	"fmt"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// tell reports how an export of items of j went, if that is worth a word.
func (x *Exporter) tell(e *endpoint, o outcome, j *joint, items int) {
	first := j.batches[0]
	log := x.deps.Log.With("destination", x.cfg.Name, "endpoint", e.URL, "sender", first.Sender, "position", first.Position,
		"batches", len(j.batches))
	switch o.verdict {
	case refused:
		log.Error("batch refused for good", "items", items, "error", o.err)
		x.fault(e, response, "refused", items, o.err.Error())
	case cut:
		log.Warn("joint request refused, cut in two", "items", items, "error", o.err)
	case again:
		log.Warn("export failed", "items", items, "error", o.err)
	case accepted:
		if o.rejected > 0 {
			log.Error("items rejected", "items", o.rejected, "error", o.message)
			x.fault(e, response, "refused", int(o.rejected), o.message)
		} else if o.message != "" {
			log.Warn("backend warns", "warning", o.message)
		}
	}
	if o.lie {
		x.fault(e, response, "validation", 0, o.err.Error())
	}
	if o.late {
		x.fault(e, timing, "slow", 0, fmt.Sprintf("no answer in %s: %s", x.cfg.Timeout, o.err))
	}
}

const (
	response = ingestionv1.FaultClass_FAULT_CLASS_RESPONSE
	timing   = ingestionv1.FaultClass_FAULT_CLASS_TIMING
	crash    = ingestionv1.FaultClass_FAULT_CLASS_CRASH
)

func (x *Exporter) fault(e *endpoint, class ingestionv1.FaultClass, kind string, items int, text string) {
	x.deps.OnFault(Finding{
		Class: class, Kind: kind, Subject: x.cfg.Name + " " + e.URL, Signal: x.cfg.Signal, Items: uint64(items), Text: text,
	})
}
