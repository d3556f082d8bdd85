package otlp_test

import (
	"strings"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/triflow/triflow/pkg/otlp"
)

// apart is a request that the published protocol's own code took apart.
type apart struct {
	// items has a line for each item: what is around it, from the outside in, and itself.
	items []string
	// outline has, for each depth, what the groups there say, with what is around them. Neighbours that say the same are
	// one.
	outline [4][]string
	// unknown are the fields of the request itself.
	unknown string
}

// takeApart takes a request apart, without the fields of the request itself.
func takeApart(m protoreflect.Message) (a apart) {
	a.unknown = string(m.GetUnknown())
	a.take(m, 0, "")
	return a
}

func (a *apart) take(m protoreflect.Message, depth int, around string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch name := string(f.Name()); {
		case name == "spans" || name == "log_records" || name == "data_points":
			for i := range v.List().Len() {
				a.items = append(a.items, around+"/"+written(v.List().Get(i).Message()))
			}
		case strings.HasPrefix(name, "resource_") || strings.HasPrefix(name, "scope_") || name == "metrics":
			for i := range v.List().Len() {
				a.group(v.List().Get(i).Message(), depth, around)
			}
		case f.ContainingOneof() != nil && m.Descriptor().Name() == "Metric":
			a.group(v.Message(), depth, around+"/"+name)
		}
		return true
	})
}

func (a *apart) group(m protoreflect.Message, depth int, around string) {
	bare := m.New()
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		leads := f.ContainingOneof() != nil && m.Descriptor().Name() == "Metric"
		if name := string(f.Name()); !leads && name != "spans" && name != "log_records" && name != "data_points" && name != "metrics" && !strings.HasPrefix(name, "scope_") {
			bare.Set(f, v)
		}
		return true
	})
	bare.SetUnknown(m.GetUnknown())
	here := around + "/" + written(bare)
	if lines := a.outline[depth]; len(lines) == 0 || lines[len(lines)-1] != here {
		a.outline[depth] = append(lines, here)
	}
	a.take(m, depth+1, here)
}

func written(m protoreflect.Message) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		panic(err) // it was unmarshalled
	}
	return string(b)
}

// of takes requests of one signal apart, as if they had come one after another.
func of(t require.TestingT, s otlp.Signal, requests ...[]byte) (a apart) {
	latest := ""
	for _, b := range requests {
		m := message(s)
		require.NoError(t, proto.Unmarshal(b, m))
		a.take(m.ProtoReflect(), 0, "")
		if u := string(m.ProtoReflect().GetUnknown()); u != "" && u != latest {
			a.unknown, latest = a.unknown+u, u
		}
	}
	return a
}
