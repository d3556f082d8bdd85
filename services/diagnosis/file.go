package diagnosis

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
	"github.com/triflow/triflow/services/diagnosis/internal/group"
)

// maxMembers is how many anomalies a stored incident holds, the strongest.
const maxMembers = 500

// file is all that is known of an open incident. The loop owns it.
type file struct {
	group     *group.Incident
	graph     *cause.Graph                  // as it was before; nil: not known
	anomalies map[string]*anomalyv1.Anomaly // of the members, by id
	causes    []*diagnosisv1.Cause
	weighed   time.Time
	record    *diagnosisv1.Incident // as stored, but without update_time; nil before the first time
}

func newFile(g *group.Incident) *file {
	return &file{group: g, anomalies: map[string]*anomalyv1.Anomaly{}}
}

// reopen takes up a stored incident.
func reopen(row *diagnosisv1.Incident) *file {
	f := newFile(&group.Incident{ID: row.GetId(), Start: row.GetStartTime().AsTime(), Members: map[string]group.Anomaly{}})
	for _, a := range row.GetAnomalies() {
		f.anomalies[a.GetId()] = a
		f.group.Members[a.GetId()] = member(a)
	}
	row.UpdateTime = nil
	f.record, f.causes = row, row.GetCauses()
	return f
}

// follow takes over how the members are now.
func (f *file) follow(seen map[string]*anomalyv1.Anomaly) {
	for id, m := range f.group.Members {
		a, known := seen[id], f.anomalies[id]
		switch {
		case a != nil:
			f.anomalies[id] = a
		case known != nil && known.GetEndTime() == nil && !m.End.IsZero():
			ended := proto.CloneOf(known) // the record holds the other
			ended.EndTime = timestamppb.New(m.End)
			f.anomalies[id] = ended
		}
	}
}

// message is the incident as it is now, without update_time.
func (f *file) message() *diagnosisv1.Incident {
	m := &diagnosisv1.Incident{
		Id: f.group.ID, Title: f.title(), State: diagnosisv1.IncidentState_INCIDENT_STATE_OPEN,
		StartTime: timestamppb.New(f.group.Start), Causes: f.causes, Anomalies: f.strongest(),
	}
	if !f.group.End.IsZero() {
		m.State, m.EndTime = diagnosisv1.IncidentState_INCIDENT_STATE_RESOLVED, timestamppb.New(f.group.End)
	}
	services := map[string]bool{}
	for _, a := range f.anomalies {
		if a.GetService() != "" {
			services[a.GetService()] = true
		}
	}
	m.Services = slices.Sorted(maps.Keys(services))
	return m
}

// strongest gives the anomalies to be stored, oldest first.
func (f *file) strongest() []*anomalyv1.Anomaly {
	all := slices.SortedFunc(maps.Values(f.anomalies), func(a, b *anomalyv1.Anomaly) int {
		return cmp.Or(cmp.Compare(b.GetScore(), a.GetScore()), cmp.Compare(a.GetId(), b.GetId()))
	})
	all = all[:min(len(all), maxMembers)]
	slices.SortFunc(all, func(a, b *anomalyv1.Anomaly) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return all
}

// title says what is wrong and where, as far as it is known.
func (f *file) title() string {
	title := "Trouble at " + f.worst()
	if len(f.causes) > 0 && f.causes[0].GetConfidence() >= 0.5 {
		title = headline(f.causes[0])
	}
	if f.group.Into != "" {
		title += fmt.Sprintf(" (joined to %s)", f.group.Into)
	}
	return title
}

// worst is the service of the strongest anomaly.
func (f *file) worst() string {
	var worst *anomalyv1.Anomaly
	for _, a := range f.strongest() {
		if worst == nil || a.GetScore() > worst.GetScore() {
			worst = a
		}
	}
	return worst.GetService()
}
