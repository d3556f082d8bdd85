package shop

import (
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	traces "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestACalmShopSendsWholeTraces(t *testing.T) {
	r := visit(t, "", 25)

	t.Run("every service is seen under its own resource", func(t *testing.T) {
		instances := map[string]string{}
		for _, s := range r.spans {
			require.Equal(t, "shop", s.resource["service.namespace"])
			require.Equal(t, "demo", s.resource["deployment.environment.name"])
			require.NotEmpty(t, s.resource["service.version"])
			instances[s.service] = s.resource["service.instance.id"]
		}
		for _, sp := range topology() {
			require.NotEmpty(t, instances[sp.name], sp.name)
		}
		require.Len(t, instances, len(topology()))
	})

	t.Run("every parent is there and of the same trace, and only users start one", func(t *testing.T) {
		byID := map[string]span{}
		for _, s := range r.spans {
			byID[s.id()] = s
		}
		require.Len(t, byID, len(r.spans), "span ids are unique")
		for _, s := range r.spans {
			if len(s.ParentSpanId) == 0 {
				require.Equal(t, storefront, s.service)
				require.True(t, s.isServer())
				continue
			}
			parent, found := byID[s.parent()]
			require.True(t, found, "parent of %s %q", s.service, s.Name)
			require.Equal(t, parent.trace(), s.trace())
			require.LessOrEqual(t, parent.StartTimeUnixNano, s.StartTimeUnixNano)
		}
	})

	t.Run("an order goes through its services and on to the mail", func(t *testing.T) {
		order := r.where(placesOrder)[0].trace()
		var path []string
		for _, s := range r.where(func(s span) bool { return s.trace() == order }) {
			path = append(path, s.service+" "+strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"))+" "+s.Name)
		}
		slices.Sort(path)
		require.Equal(t, []string{
			"cart client POST /subtotals",
			"cart server GET /carts/{id}",
			"checkout client GET /carts/{id}",
			"checkout client POST /payments/{id}",
			"checkout client POST /quotes",
			"checkout client POST /reservations/{id}",
			"checkout producer send orders",
			"checkout server POST /orders/{id}",
			"mailer consumer process parcels",
			"payment client POST /charges",
			"payment server POST /payments/{id}",
			"pricing server POST /quotes",
			"pricing server POST /subtotals",
			"shipping consumer process orders",
			"shipping producer send parcels",
			"stock client SELECT stock",
			"stock client UPDATE stock",
			"stock server POST /reservations/{id}",
			"stock-db server SELECT stock",
			"stock-db server UPDATE stock",
			"storefront client POST /orders/{id}",
			"storefront server POST /checkout/{id}",
		}, path)
	})

	t.Run("consumers work after the request is over", func(t *testing.T) {
		ends := map[string]uint64{}
		for _, s := range r.where(func(s span) bool { return s.service == storefront && s.isServer() }) {
			ends[s.trace()] = s.EndTimeUnixNano
		}
		sent := r.where(func(s span) bool { return s.service == "mailer" })
		late := r.where(func(s span) bool { return s.service == "mailer" && s.EndTimeUnixNano > ends[s.trace()] })
		// Not all: a machine with other work may hold the answer up.
		require.Greater(t, share(late, sent), 0.5)
	})

	t.Run("spans keep the semantic conventions", func(t *testing.T) {
		want := map[string][]string{
			"storefront server": {"http.request.method", "url.path", "url.scheme", "http.response.status_code", "server.address", "http.route"},
			"storefront client": {"http.request.method", "url.full", "url.template", "http.response.status_code", "server.address"},
			"payment client":    {"http.request.method", "url.full", "server.address", "server.port", "peer.service"},
			"stock client":      {"db.system.name", "db.query.summary", "db.operation.name", "db.collection.name", "server.address"},
			"stock-db server":   {"db.system.name", "db.query.summary", "db.operation.name", "db.namespace"},
			"checkout producer": {"messaging.system", "messaging.destination.name", "messaging.operation.type", "messaging.message.id"},
			"shipping consumer": {"messaging.system", "messaging.destination.name", "messaging.operation.type", "messaging.message.id"},
		}
		for _, s := range r.spans {
			kind := strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"))
			for _, key := range want[s.service+" "+kind] {
				require.Contains(t, s.attrs, key, "%s %s", s.service, s.Name)
			}
		}
	})

	t.Run("nothing fails", func(t *testing.T) {
		require.Empty(t, r.where(span.failed))
	})

	t.Run("logs carry the trace they belong to", func(t *testing.T) {
		known := map[string]bool{}
		for _, s := range r.spans {
			known[s.service+s.id()] = true
		}
		speakers := map[string]bool{}
		for _, l := range r.logs {
			require.True(t, known[l.service+hexOf(l.SpanId)], l.Body.String())
			require.NotContains(t, l.Body.GetStringValue(), "{", "placeholder left open")
			speakers[l.service] = true
		}
		require.Len(t, speakers, len(topology()), "every service logs")
	})

	t.Run("every service tells how busy it is, and how long requests took", func(t *testing.T) {
		for _, sp := range topology() {
			cpu := r.metrics[sp.name]["process.cpu.utilization"].GetGauge().GetDataPoints()
			require.Len(t, cpu, 1, sp.name)
			require.GreaterOrEqual(t, cpu[0].GetAsDouble(), sp.idle)
			require.LessOrEqual(t, cpu[0].GetAsDouble(), maxUtilization)
			switch {
			case sp.database != nil:
				require.Contains(t, r.metrics[sp.name], "db.server.operation.duration")
			case sp.consumes != nil:
				require.Contains(t, r.metrics[sp.name], "messaging.process.duration")
				require.Contains(t, r.metrics[sp.name], "messaging.queue.depth")
			default:
				require.Contains(t, r.metrics[sp.name], "http.server.request.duration")
			}
		}
	})

	t.Run("no message is lost at the end", func(t *testing.T) {
		sent := len(r.where(func(s span) bool { return s.Kind == traces.Span_SPAN_KIND_PRODUCER }))
		taken := len(r.where(func(s span) bool { return s.Kind == traces.Span_SPAN_KIND_CONSUMER }))
		require.Equal(t, sent, taken)
	})
}

func TestTheShopGoesOnWhileNobodyListens(t *testing.T) {
	address := unusedAddress(t)
	s, stop := start(t, quickly(address, ""))
	require.Equal(t, http.StatusOK, ask(t, http.MethodGet, s.ControlURL()+"/healthz"))

	r := listen(t, address)
	r.wait(t, func(r *receiver) bool { return len(r.where(placesOrder)) > 0 })
	stop()
}

// That no retry of an export is left behind is goleak's to find.
func TestTheShopClosesWhileNobodyListens(t *testing.T) {
	s, stop := start(t, quickly(unusedAddress(t), ""))
	require.Equal(t, http.StatusOK, ask(t, http.MethodGet, s.ControlURL()+"/healthz"))
	stop()
}

func TestAControlAddressInUseIsReported(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cfg := quickly("127.0.0.1:1", "")
	cfg.ControlAddress = l.Addr().String()
	_, err = New(cfg, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "shop: control-address")
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
