package shop

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFaultsAreSwitchedOverHTTP(t *testing.T) {
	c := &control{newSwitchboard(), slog.New(slog.DiscardHandler)}
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		c.handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	list := func() map[Kind]faultView {
		status, body := ask("GET", "/faults")
		require.Equal(t, 200, status)
		var views []faultView
		require.NoError(t, json.Unmarshal([]byte(body), &views))
		byKind := map[Kind]faultView{}
		for _, v := range views {
			byKind[v.Kind] = v
		}
		return byKind
	}

	require.Len(t, list(), len(Faults()))
	require.False(t, list()[SlowLeaf].Active)
	require.Equal(t, "stock-db", list()[SlowLeaf].Target)

	status, _ := ask("PUT", "/faults/slow-leaf?target=search")
	require.Equal(t, 200, status)
	require.True(t, c.faults.hits(SlowLeaf, "search"))
	require.True(t, list()[SlowLeaf].Active)
	require.Equal(t, "search", list()[SlowLeaf].Target)
	require.NotNil(t, list()[SlowLeaf].Since)

	status, _ = ask("DELETE", "/faults/slow-leaf")
	require.Equal(t, 200, status)
	require.False(t, list()[SlowLeaf].Active)
	require.Nil(t, list()[SlowLeaf].Since)
}

func TestBadFaultsAreRefusedWithWhatIsAllowed(t *testing.T) {
	c := &control{newSwitchboard(), slog.New(slog.DiscardHandler)}
	for _, tc := range []struct{ method, path, want string }{
		{"PUT", "/faults/flood", `fault: "flood", want one of slow-leaf, failing-service, saturation, lost-context, retry-storm`},
		{"DELETE", "/faults/flood", `fault: "flood", want one of slow-leaf`},
		{"PUT", "/faults/slow-leaf?target=warehouse", `fault-target: "warehouse", want for slow-leaf one of storefront, catalog`},
		{"PUT", "/faults/lost-context?target=stock-db", `fault-target: "stock-db", want for lost-context one of storefront`},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			c.handler().ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, nil))
			require.Equal(t, http.StatusBadRequest, w.Code)
			var body map[string]string
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.True(t, strings.HasPrefix(body["error"], tc.want), body["error"])
		})
	}
}

func TestTheControlPageExplainsEveryFault(t *testing.T) {
	c := &control{newSwitchboard(), slog.New(slog.DiscardHandler)}
	w := httptest.NewRecorder()
	c.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	for _, f := range Faults() {
		require.Contains(t, w.Body.String(), f.Description)
	}
}

// ask returns the status that the URL answers with.
func ask(t *testing.T, method, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	return res.StatusCode
}
