package body

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/triflow/triflow/services/logs/internal/drain"
)

func value(t *testing.T, json string) *commonv1.AnyValue {
	v := &commonv1.AnyValue{}
	require.NoError(t, protojson.Unmarshal([]byte(json), v))
	return v
}

func TestEveryKindOfBodyBecomesTextAndIsMinedInItsWay(t *testing.T) {
	for _, c := range []struct {
		body, text string
		mined      Mined
	}{
		{`{"stringValue":"plain"}`, "plain", Mined{"plain", Whole, ""}},
		{
			`{"kvlistValue":{"values":[{"key":"msg","value":{"stringValue":"disk low"}},{"key":"free","value":{"intValue":"5"}},{"key":"n","value":{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":true}}]}}}]}}`,
			`{"msg":"disk low","free":5,"n":{"k":true}}`,
			Mined{"disk low", Field, "msg"},
		},
		{`{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}}`, `{"a":1}`, Mined{`{"a":1}`, Structure, ""}},
		{`{"kvlistValue":{}}`, `{}`, Mined{`{}`, Structure, ""}},
		{
			`{"arrayValue":{"values":[{"stringValue":"a<b"},{"intValue":"2"},{},{"boolValue":false},{"doubleValue":"NaN"},{"bytesValue":"AAE="}]}}`,
			`["a<b",2,null,false,"NaN","AAE="]`,
			Mined{`["a<b",2,null,false,"NaN","<*>"]`, Structure, ""},
		},
		{`{"bytesValue":"AAECAw=="}`, "AAECAw==", Mined{drain.Wildcard, None, ""}},
		{`{"boolValue":true}`, "true", Mined{"true", Value, ""}},
		{`{"intValue":"-7"}`, "-7", Mined{"-7", Value, ""}},
		{`{"doubleValue":0.5}`, "0.5", Mined{"0.5", Value, ""}},
		{`{}`, "", Mined{"cache.miss", EventName, ""}},
		{`{"stringValue":""}`, "", Mined{"cache.miss", EventName, ""}},
	} {
		v := value(t, c.body)
		require.Equal(t, c.text, Text(v))
		require.Equal(t, c.mined, Mine(v, "cache.miss"))
	}
	require.Empty(t, Text(nil))
	require.Equal(t, Mined{}, Mine(nil, ""))
	require.Equal(t, "+Inf", Text(&commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: math.Inf(1)}}))
}

func TestTheMessageOfAMapIsFoundUnderTheKeysThatLoggersUse(t *testing.T) {
	for _, c := range []struct{ fields, text, keys string }{
		{`{"key":"msg","value":{"stringValue":"second"}},{"key":"message","value":{"stringValue":"first"}}`, "first", "message"},
		{`{"key":"MESSAGE","value":{"stringValue":"of journald"}}`, "of journald", "MESSAGE"},
		{`{"key":"message","value":{"stringValue":""}},{"key":"log","value":{"stringValue":"of docker"}}`, "of docker", "log"},
		{`{"key":"event","value":{"kvlistValue":{"values":[{"key":"Message","value":{"stringValue":"inner"}}]}}}`, "inner", "event.Message"},
		{`{"key":"log","value":{"kvlistValue":{"values":[{"key":"level","value":{"stringValue":"info"}}]}}},{"key":"body","value":{"stringValue":"outer"}}`, "outer", "body"},
		{`{"key":"message","value":{"bytesValue":"AAECAw=="}}`, `{"message":"<*>"}`, ""},
		{`{"key":"level","value":{"stringValue":"info"}}`, `{"level":"info"}`, ""},
	} {
		got := Mine(value(t, `{"kvlistValue":{"values":[`+c.fields+`]}}`), "")
		require.Equal(t, c.text, got.Text)
		require.Equal(t, c.keys, got.Field)
		require.Equal(t, c.keys != "", got.Way == Field)
	}
}

func TestADeepBodyIsCut(t *testing.T) {
	list, nest := &commonv1.AnyValue{}, &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: "deep"}}
	for range 1000 {
		list = &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: []*commonv1.AnyValue{list}}}}
		nest = &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{
			Values: []*commonv1.KeyValue{{Key: "message", Value: nest}},
		}}}
	}
	require.Contains(t, Text(list), "…")
	require.Equal(t, Structure, Mine(nest, "").Way)
}
