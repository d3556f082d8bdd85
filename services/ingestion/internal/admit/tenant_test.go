package admit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

func TestANameThatNoTenantCanHaveIsMalformed(t *testing.T) {
	g := gate(t, settings())
	for _, name := range []string{"", "a b", "a/b", "ä", "a\n", strings.Repeat("a", 65)} {
		r, no := g.Begin(start, name, otlp.SignalTraces)
		require.Equal(t, admit.Malformed, no.Reason, "%q", name)
		require.Zero(t, no.Wait, "it must not come again")
		require.Contains(t, no.String(), "want 1 to 64 characters")
		r.End(start) // the zero request ends
	}
	begin(t, g, start, strings.Repeat("a", 64)).End(start)
}

func TestTenantsAreBoundedAndTheIdleMakeRoom(t *testing.T) {
	set := settings()
	set.Tenants = 3
	set.Limits.Tenants = map[string]admit.Limit{"own": {Weight: 2}}
	g := gate(t, set)
	var open []*admit.Request
	for i := range 3 {
		open = append(open, begin(t, g, start, fmt.Sprint("t", i)))
	}
	require.Equal(t, "own", begin(t, g, start, "own").Tenant(), "it always has a place")
	require.Equal(t, admit.Other, begin(t, g, start, "late").Tenant(), "all are busy")
	open[1].Accept(7, 7)
	open[1].Refuse(admit.Overload, 2)
	open[1].End(start)
	require.Equal(t, "late", begin(t, g, start, "late").Tenant())
	other := usage(t, g, admit.Other)
	require.EqualValues(t, 7, other.Accepted, "its counts go to other")
	require.Equal(t, []admit.Count{{Reason: admit.Overload, Items: 2}}, other.Refused)
	require.Len(t, g.Usage(start), 5)
}

func TestATenantWithoutItsTokensIsNotForgotten(t *testing.T) {
	set := settings()
	set.Tenants, set.Limits.Default = 1, admit.Limit{RequestsPerSecond: 1}
	g := gate(t, set)
	begin(t, g, start, "a").End(start)
	require.Equal(t, admit.Other, begin(t, g, start, "b").Tenant(), "a would come back with a full bucket")
	require.Equal(t, "b", begin(t, g, start.Add(time.Second), "b").Tenant())
}

func TestUsageTellsTheBusiestFirst(t *testing.T) {
	g := gate(t, settings())
	for i, name := range []string{"a", "b", "c"} {
		r := begin(t, g, start, name)
		require.False(t, r.Reserve(start, 10).Refused())
		r.Accept(i, 100*i)
	}
	all := g.Usage(start)
	require.Equal(t, []string{"c", "b", "a", admit.Other}, []string{all[0].Name, all[1].Name, all[2].Name, all[3].Name})
	require.Equal(t, admit.Usage{Name: "c", Limit: admit.Limit{Weight: 1}, InFlight: 10, Share: 213, Accepted: 2}, all[0])
}
