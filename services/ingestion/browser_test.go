package ingestion

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPageOfAnAllowedOriginMaySend(t *testing.T) {
	to := newSink()
	close(to.open)
	cfg := small()
	cfg.CORSOrigins = []string{"https://*.shop.example"}
	r := start(t, cfg, t.TempDir(), to)
	for origin, allowed := range map[string]string{"https://www.shop.example": "https://www.shop.example", "https://other.example": ""} {
		ask, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, r.url+"/v1/traces", nil)
		require.NoError(t, err)
		ask.Header.Set("Origin", origin)
		ask.Header.Set("Access-Control-Request-Method", http.MethodPost)
		ask.Header.Set("Access-Control-Request-Headers", "content-type,traceparent")
		resp, err := http.DefaultClient.Do(ask)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, allowed, resp.Header.Get("Access-Control-Allow-Origin"))
		if allowed != "" {
			require.Equal(t, "content-type,traceparent", resp.Header.Get("Access-Control-Allow-Headers"))
		}

		send, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/v1/traces", bytes.NewReader(request(t, span(1))))
		require.NoError(t, err)
		send.Header.Set("Origin", origin)
		send.Header.Set("Content-Type", typeProtobuf)
		resp, err = http.DefaultClient.Do(send)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, allowed, resp.Header.Get("Access-Control-Allow-Origin"))
		<-to.got
	}
	plain := start(t, small(), t.TempDir(), to)
	resp, _ := plain.post(t, http.MethodOptions, "/v1/traces", typeProtobuf, "", nil)
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestHTTP2WithoutTLSIsServed(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	resp, err := client.Post(r.url+"/v1/traces", typeProtobuf, bytes.NewReader(request(t, span(1))))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 2, resp.ProtoMajor)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	<-to.got
}
