package record_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

func TestTheShapesOfGroupsAndPointsNameTheAttributesOfTheProtocol(t *testing.T) {
	points := map[string]proto.Message{
		"gauge": &metricsv1.NumberDataPoint{}, "sum": &metricsv1.NumberDataPoint{}, "histogram": &metricsv1.HistogramDataPoint{},
		"exponential_histogram": &metricsv1.ExponentialHistogramDataPoint{}, "summary": &metricsv1.SummaryDataPoint{},
	}
	metric := (&metricsv1.Metric{}).ProtoReflect().Descriptor().Fields()
	attributes := func(m proto.Message, name protoreflect.Name) protoreflect.FieldNumber {
		return m.ProtoReflect().Descriptor().Fields().ByName(name).Number()
	}
	for field, point := range points {
		s := record.PointShape(metric.ByName(protoreflect.Name(field)).Number())
		require.NotNil(t, s, field)
		require.Equal(t, attributes(point, "attributes"), s.Attributes, field)
		if e := point.ProtoReflect().Descriptor().Fields().ByName("exemplars"); e != nil {
			require.Equal(t, attributes(&metricsv1.Exemplar{}, "filtered_attributes"), s.Part(e.Number()).Attributes, field)
		}
	}
	require.Equal(t, attributes(&resourcev1.Resource{}, "attributes"), record.GroupShape(record.Resources).Attributes)
	require.Equal(t, attributes(&commonv1.InstrumentationScope{}, "attributes"), record.GroupShape(record.Scopes).Attributes)
	require.Equal(t, attributes(&metricsv1.Metric{}, "metadata"), record.GroupShape(record.Metrics).Attributes)
}
