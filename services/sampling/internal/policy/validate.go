package policy

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/triflow/triflow/pkg/threshold"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

const (
	maxPolicies  = 100
	maxNameBytes = 64
	maxKeyBytes  = 256
	maxSetBytes  = 256 << 10 // the set is one entry of the log, and is read by every node that decides
	nameAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789-_./"
)

// Validate lists every fault of a set, each with the path of its field.
func Validate(m *samplingv1.PolicySet) []Fault {
	v := validator{names: map[string]int{}}
	if n := len(m.GetPolicies()); n > maxPolicies {
		v.add("policies", "%d policies, want at most %d", n, maxPolicies)
		return v.faults
	}
	if n := proto.Size(m); n > maxSetBytes {
		v.add("policies", "%d bytes, want at most %d", n, maxSetBytes)
	}
	for i, p := range m.GetPolicies() {
		v.policy(i, p)
	}
	return v.faults
}

type validator struct {
	faults []Fault
	names  map[string]int // where each name was seen first
}

func (v *validator) add(path, format string, args ...any) {
	v.faults = append(v.faults, Fault{path, fmt.Sprintf(format, args...)})
}

func (v *validator) policy(i int, p *samplingv1.Policy) {
	path := fmt.Sprintf("policies[%d]", i)
	v.name(path+".name", i, p.GetName())
	if t := p.GetExpireTime(); t != nil && t.CheckValid() != nil {
		v.add(path+".expire_time", "%d s and %d ns, want a valid time", t.GetSeconds(), t.GetNanos())
	}
	switch r := p.GetRule().(type) {
	case *samplingv1.Policy_Always:
	case *samplingv1.Policy_Probabilistic:
		if _, err := threshold.FromProbability(r.Probabilistic.GetRatio(), threshold.DefaultPrecision); err != nil {
			v.add(path+".probabilistic.ratio", "%v", err)
		}
	case *samplingv1.Policy_Status:
		v.status(path+".status.codes", r.Status.GetCodes())
	case *samplingv1.Policy_Latency:
		v.latency(path+".latency", r.Latency)
	case *samplingv1.Policy_Attribute:
		if n := len(r.Attribute.GetKey()); n < 1 || n > maxKeyBytes {
			v.add(path+".attribute.key", "%d bytes, want 1 to %d", n, maxKeyBytes)
		}
	default:
		v.add(path, "no rule, want always, probabilistic, status, latency or attribute")
	}
}

func (v *validator) name(path string, i int, name string) {
	if n := len(name); n < 1 || n > maxNameBytes {
		v.add(path, "%d characters, want 1 to %d", n, maxNameBytes)
	} else if strings.Trim(name, nameAlphabet) != "" {
		v.add(path, "%q, want only a-z, 0-9, '-', '_', '.' and '/'", name)
	}
	if first, seen := v.names[name]; seen {
		v.add(path, "%q is also policies[%d], want each name once", name, first)
		return
	}
	v.names[name] = i
}

func (v *validator) status(path string, codes []samplingv1.StatusCode) {
	if len(codes) == 0 {
		v.add(path, "none, want at least one")
	}
	for i, c := range codes {
		if c < samplingv1.StatusCode_STATUS_CODE_UNSET || c > samplingv1.StatusCode_STATUS_CODE_ERROR {
			v.add(fmt.Sprintf("%s[%d]", path, i), "%v, want UNSET, OK or ERROR", c)
		}
	}
}

func (v *validator) latency(path string, r *samplingv1.LatencyRule) {
	if _, known := samplingv1.LatencyMeasure_name[int32(r.GetMeasure())]; !known {
		v.add(path+".measure", "%v, want ROOT or RANGE", r.GetMeasure())
	}
	lowest := v.duration(path+".min", r.GetMin())
	if lowest && r.GetMin().AsDuration() <= 0 {
		v.add(path+".min", "%v, want more than 0s", r.GetMin().AsDuration())
	}
	if r.GetMax() == nil {
		return
	}
	if highest := v.duration(path+".max", r.GetMax()); lowest && highest && r.GetMax().AsDuration() <= r.GetMin().AsDuration() {
		v.add(path+".max", "%v, want more than min, which is %v", r.GetMax().AsDuration(), r.GetMin().AsDuration())
	}
}

// duration tells that d can be read, where no duration is 0.
func (v *validator) duration(path string, d *durationpb.Duration) bool {
	if d == nil {
		return true
	}
	if d.CheckValid() != nil {
		v.add(path, "%d s and %d ns, want a valid duration", d.GetSeconds(), d.GetNanos())
		return false
	}
	return true
}
