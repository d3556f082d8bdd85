package pipeline

import "github.com/triflow/triflow/services/ingestion/internal/pipeline/record"

// editor edits what is above items.
type editor interface {
	// edit changes g, a copy of the group at a place. It is not ok when a bound is reached.
	edit(r *run, level int, at int32, g *record.Group) (changed, ok bool)
}

// regroup gives the index of a group as it is after an editor went over it and over all above it. A group that changes
// is a new one, so that items that other pipelines took keep theirs. Within one stage a group is edited once.
func (r *run) regroup(level int, at int32, ed editor) (to int32, ok bool) {
	if to, ok := r.moved[level][at]; ok {
		return to, true
	}
	g := r.batch.Levels[level][at]
	parent := g.Parent
	if level > 0 {
		if parent, ok = r.regroup(level-1, g.Parent, ed); !ok {
			return 0, false
		}
	}
	changed, ok := ed.edit(r, level, at, &g)
	if !ok {
		return 0, false
	}
	to = at
	if changed || parent != g.Parent {
		g.Parent = parent
		to = int32(len(r.batch.Levels[level]))
		r.batch.Levels[level] = append(r.batch.Levels[level], g)
	}
	if r.moved[level] == nil {
		r.moved[level] = map[int32]int32{}
	}
	r.moved[level][at] = to
	return to, true
}
