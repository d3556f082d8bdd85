package assembly

import (
	"fmt"
	"strings"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"

	"github.com/triflow/triflow/services/assembly/internal/critical"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// doubt says why a critical path cannot be wholly trusted; empty if it can.
func (r *reading) doubt(path critical.Path) string {
	var why []string
	if r.row.Summary.GetState() == assemblyv1.TraceState_TRACE_STATE_OPEN {
		why = append(why, "spans may still come")
	}
	if len(path.Segments) == 0 {
		why = append(why, "the trace takes no time")
	}
	if len(r.pic.tree.Roots) == 0 {
		why = append(why, "no root span came")
	}
	count := make(map[tree.FindingKind]int)
	for _, f := range r.pic.tree.Findings {
		count[f.Kind]++
	}
	note := func(n int, one, many string) {
		switch {
		case n == 1:
			why = append(why, one)
		case n > 1:
			why = append(why, fmt.Sprintf(many, n))
		}
	}
	note(count[tree.Orphan], "the parent of 1 span never came", "the parents of %d spans never came")
	note(count[tree.SeveralRoots], "what links the 2 roots is not known", "what links the roots is not known; there are %d besides the first")
	note(count[tree.Cycle], "1 span is its own parent", "%d spans are each other's ancestors")
	note(count[tree.StartsBeforeParent], "1 span starts before its parent: clocks differ", "%d spans start before their parents: clocks differ")
	note(count[tree.NegativeDuration]+count[tree.NoEnd]+count[tree.NoStart], "1 span has no usable duration", "%d spans have no usable duration")
	note(path.Clipped-count[tree.StartsBeforeParent], "1 span on the path is cut to fit its parent", "%d spans on the path are cut to fit their parents")
	return strings.Join(why, "; ")
}
