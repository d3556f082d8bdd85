package admit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

func TestATenantHasWhatItSaysAndElseTheDefault(t *testing.T) {
	want := admit.Limits{
		Default: admit.Limit{ItemsPerSecond: 1e5, BytesPerSecond: 7},
		Tenants: map[string]admit.Limit{
			"acme":  {RequestsPerSecond: 10, ItemsPerSecond: 5e4, BytesPerSecond: 2e7, Weight: 2},
			"slow":  {RequestsPerSecond: 0.1, ItemsPerSecond: 1e5, BytesPerSecond: 7},
			"free":  {},
			"plain": {ItemsPerSecond: 1e5, BytesPerSecond: 7},
		},
	}
	for name, text := range map[string]string{
		"YAML, whatever comes first": `
tenants:
  acme: {requests_per_second: 10, items_per_second: 5e4, bytes_per_second: 2e7, weight: 2}
  slow: {requests_per_second: 0.1}
  free: {items_per_second: 0, bytes_per_second: 0}
  plain:
default:
  items_per_second: 1e5
  bytes_per_second: 7
`,
		"JSON": `{"default": {"items_per_second": 1e5, "bytes_per_second": 7}, "tenants": {"acme": {"requests_per_second": 10,
			"items_per_second": 50000, "bytes_per_second": 2e7, "weight": 2}, "slow": {"requests_per_second": 0.1},
			"free": {"items_per_second": 0, "bytes_per_second": 0}, "plain": {}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := admit.ParseLimits([]byte(strings.ReplaceAll(text, "\t", " ")))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestAnEmptyFileLimitsNothing(t *testing.T) {
	for _, text := range []string{"", "\n# nothing\n", "{}", "---\n", "tenants:\ndefault:\n"} {
		l, err := admit.ParseLimits([]byte(text))
		require.NoError(t, err, "%q", text)
		require.Zero(t, l.Default)
		require.Empty(t, l.Tenants)
	}
}

func TestEveryFaultOfTheFileIsNamedAtOnce(t *testing.T) {
	for text, want := range map[string][]string{
		"tenants: {acme: {items_per_second: -1, spans: 3, weight: heavy}, b: 7}\nfoo: 1": {
			`tenants.acme.items_per_second: -1, want 0 or more`,
			`tenants.acme.spans: no such field, want requests_per_second, items_per_second, bytes_per_second or weight`,
			`tenants.acme.weight: "heavy", want a number`,
			`tenants.b: "7", want a mapping`,
			`foo: no such field, want default or tenants`,
		},
		"tenants: {a: {weight: .nan}, b: {bytes_per_second: .inf}, c: {weight: 1, weight: 2}, c: {}}": {
			`tenants.a.weight: NaN, want 0 or more`,
			`tenants.b.bytes_per_second: +Inf, want at most 1e+18`,
			`tenants.c: weight comes twice, want it once`,
			`tenants: c comes twice, want it once`,
		},
		"tenants: {'a b': {}, [1]: {}}": {
			`tenants: name "a b", want 1 to 64 characters of A-Z, a-z, 0-9, _, . and -`,
			`tenants: a list as a key, want a name`,
		},
		"default: &d {weight: 1}\ntenants: {a: *d}": {`tenants.a: an alias, want a mapping`},
		"default: {weight: '2'}":                    {`default.weight: "2", want a number`},
		"default: {weight: {}}":                     {`default.weight: a mapping, want a number`},
		"- 1":                                       {`limits: a list, want a mapping`},
		"{}\n---\n{}":                               {`limits: more than one document, want one`},
		"{":                                         {`limits: yaml: line 1: did not find expected node content`},
	} {
		_, err := admit.ParseLimits([]byte(text))
		require.Error(t, err, text)
		require.ElementsMatch(t, want, strings.Split(err.Error(), "\n"), text)
	}
}

func FuzzParseLimits(f *testing.F) {
	for _, seed := range []string{
		"", "tenants: {acme: {requests_per_second: 10, weight: 2}}", "default: {weight: .nan}", "a: &a [*a]", "? {a: b}\n: c",
		"<<: {default: {}}", "tenants: !!binary x", "{}\n---\n", "\xff", "tenants: {a: {weight: 0x10, bytes_per_second: 1_000}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := admit.ParseLimits(b)
		if err != nil {
			require.Zero(t, l, "limits beside a fault")
			return
		}
		set := settings()
		set.Limits = l
		gate(t, set) // what can be read can be used
	})
}
