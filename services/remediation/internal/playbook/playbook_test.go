package playbook

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

func facts() Facts {
	return Facts{
		Cause:    Cause{Service: "cart", Kind: "SLOW", Confidence: 0.8, Explanation: "its own work takes longer"},
		Incident: Incident{ID: "i1", Title: "cart is slow", Services: []string{"cart", "web"}},
	}
}

func TestTheDefaultNeedsNoAddressOutside(t *testing.T) {
	book, err := Parse(Default)
	require.NoError(t, err)
	name, steps, err := book.Match(facts())
	require.NoError(t, err)
	require.Equal(t, "keep-all-traces-of-the-cause", name)
	require.Len(t, steps, 1)
	require.Equal(t, remediationv1.ActionKind_ACTION_KIND_SAMPLING_BOOST, steps[0].GetKind())
	require.Equal(t, map[string]string{"service": "cart", "ratio": "1", "for": "10m"}, steps[0].GetParameters())

	f := facts()
	f.WebhookURL = "https://hooks.example.com/x"
	_, steps, err = book.Match(f)
	require.NoError(t, err)
	require.Len(t, steps, 2)
	require.Equal(t, map[string]string{"url": "https://hooks.example.com/x", "message": "cart is slow: its own work takes longer"}, steps[1].GetParameters())
}

func TestAnUnsureTiedOrOtherCauseHasNoPlan(t *testing.T) {
	book, err := Parse(Default)
	require.NoError(t, err)
	for name, change := range map[string]func(*Facts){
		"unsure": func(f *Facts) { f.Cause.Confidence = 0.2 },
		"tied":   func(f *Facts) { f.Tied = true },
		"other":  func(f *Facts) { f.Cause.Kind = "TRAFFIC" },
	} {
		t.Run(name, func(t *testing.T) {
			f := facts()
			change(&f)
			name, steps, err := book.Match(f)
			require.NoError(t, err)
			require.Empty(t, name)
			require.Empty(t, steps)
		})
	}
}

const boost = `{sampling_boost: {service: "${cause.service}", ratio: "0.5", for: 5m}}`

func TestTheFirstThatHoldsWinsAndAFileComesBeforeTheDefault(t *testing.T) {
	above, err := Parse([]byte(`
playbooks:
  - {name: never, when: "false", steps: [` + boost + `]}
  - {name: tie, when: "true", ties: true, steps: [` + boost + `]}
  - {name: keep-all-traces-of-the-cause, when: "incident.title.contains('slow') && 'web' in incident.services"}
`))
	require.NoError(t, err)
	below, err := Parse(Default)
	require.NoError(t, err)
	book := above.Over(below)
	require.Len(t, book.playbooks, 3, "a playbook of the same name takes the default's place")
	f := facts()
	f.Tied = true
	name, _, err := book.Match(f)
	require.NoError(t, err)
	require.Equal(t, "tie", name)
}

func TestFaultsOfAFileNameTheLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"not yaml":          {"playbooks: [", "line 1"},
		"unknown key":       {"playbooks:\n  - name: a\n    wehn: 'true'", "line 3: field wehn not found"},
		"unknown step":      {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - restart: {}", "line 5: field restart not found"},
		"unknown parameter": {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - webhook: {uri: x}", "line 5: field uri not found"},
		"two documents":     {"playbooks: []\n---\nplaybooks: []", "second document"},
		"no name":           {"playbooks:\n  - when: 'true'", "line 2: playbooks[0]: name of 0 bytes"},
		"name twice":        {"playbooks:\n  - {name: a, when: 'true'}\n  - {name: a, when: 'true'}", `line 3: playbooks[1].name: "a" again`},
		"no condition":      {"playbooks:\n  - name: a", "line 2: playbooks[0]: no when"},
		"broken condition":  {"playbooks:\n  - name: a\n    when: cause.kind ==", "line 3: playbooks[0].when"},
		"unknown variable":  {"playbooks:\n  - name: a\n    when: caus.kind == 'SLOW'", "undeclared reference to 'caus'"},
		"unknown field":     {"playbooks:\n  - name: a\n    when: cause.knd == 'SLOW'", "line 3: playbooks[0].when: \"cause.knd == 'SLOW'\": column 6: undefined field 'knd'"},
		"wrong type":        {"playbooks:\n  - name: a\n    when: cause.service", "is of type string, want bool"},
		"two actions":       {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - {webhook: {url: 'https://x'}, sampling_boost: {}}", "line 5: playbooks[0].steps[0]: want one of"},
		"no action":         {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - when: 'true'", "want one of"},
		"bad ratio":         {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - sampling_boost:\n          service: x\n          ratio: 2\n          for: 5m", `line 7: playbooks[0].steps[0].sampling_boost.ratio: "2", want`},
		"bad duration":      {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - sampling_boost: {service: x, ratio: 1, for: 1s}", `"1s", want 1m0s to 24h0m0s`},
		"no service":        {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - sampling_boost: {ratio: 1, for: 5m}", "service: 0 bytes, want 1 to 256"},
		"bad scheme":        {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - webhook: {url: 'file:///etc/passwd'}", "want an address that starts with https://"},
		"open expression":   {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - webhook: {url: 'https://x/${cause.service'}", "want a } after ${"},
		"list in text":      {"playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - webhook: {url: 'https://x/${incident.services}'}", "is of type list(string), want text"},
		"too large":         {strings.Repeat("#", maxFile+1), "want at most 1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
	book, err := Parse(nil)
	require.NoError(t, err, "an empty file has no playbooks")
	require.Empty(t, book.playbooks)
}

func TestAnExpressionThatFailsOrCostsTooMuchStopsTheSearch(t *testing.T) {
	for name, c := range map[string]struct{ when, want string }{
		"out of range":    {"incident.services[7] == 'x'", "index out of bounds"},
		"division":        {"1 / (incident.services.size() - 2) == 1", "division by zero"},
		"cost over limit": {"[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, a+b+c+d+e > 0)))))", "cost limit exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			book, err := Parse([]byte("playbooks:\n  - {name: a, when: \"" + c.when + "\"}\n  - {name: b, when: 'true', steps: [" + boost + "]}"))
			require.NoError(t, err)
			_, _, err = book.Match(facts())
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "playbook a: when")
		})
	}
}

func TestAFilledValueIsCheckedAsAFixedOneIs(t *testing.T) {
	book, err := Parse([]byte("playbooks:\n  - name: a\n    when: 'true'\n    steps:\n      - webhook: {url: '${cause.service}://x'}"))
	require.NoError(t, err)
	_, _, err = book.Match(facts())
	require.ErrorContains(t, err, `playbook a: steps[0].url: "cart://x", want`)
}

func FuzzParseNeverPanics(f *testing.F) {
	f.Add(Default)
	f.Add([]byte("playbooks: [{name: a, when: 'a${'}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if book, err := Parse(text); err == nil {
			_, _, _ = book.Match(facts())
		}
	})
}
