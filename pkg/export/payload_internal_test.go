package export

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// keeper keeps the body of a request, as net/http may when an answer comes early.
type keeper struct{ body io.Reader }

func (k *keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	k.body = r.Body
	return nil, errors.New("cut")
}

func TestNothingReadsAPayloadAfterItsRequestHasEnded(t *testing.T) {
	u, err := url.Parse("http://127.0.0.1:4318")
	require.NoError(t, err)
	h, k := newHTTP(u, Config{Signal: traces}.withDefaults(), &headers{}, nil, time.Now), new(keeper)
	h.client.Transport = k
	require.Equal(t, again, h.send(t.Context(), alone([]byte("payload"), 1), false).verdict)
	_, err = k.body.Read(make([]byte, 1))
	require.ErrorIs(t, err, errGivenBack)

	for _, size := range []int{10, 1 << 20} { // gRPC treats short messages in a way of their own
		payload := make([]byte, size)
		message, err := raw{}.Marshal(alone(payload, 1))
		require.NoError(t, err)
		payload[0] = 1
		require.Zero(t, message.Materialize()[0])
	}
}
