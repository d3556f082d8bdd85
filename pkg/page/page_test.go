package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/page"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

func TestSizeHasADefaultAndALimit(t *testing.T) {
	n, err := page.Size(0, 20, 200)
	require.NoError(t, err)
	require.Equal(t, 20, n)
	n, err = page.Size(200, 20, 200)
	require.NoError(t, err)
	require.Equal(t, 200, n)
	_, err = page.Size(201, 20, 200)
	require.EqualError(t, err, "201, want 1 to 200")
	_, err = page.Size(-1, 20, 200)
	require.EqualError(t, err, "-1, want 1 to 200")
}

func TestATokenGoesOnInTheSameQuestionOnly(t *testing.T) {
	first := &logsv1.SearchLogsRequest{Service: "cart", PageSize: 10}
	token := page.Encode(first, "k\x00y")

	cursor, err := page.Decode(&logsv1.SearchLogsRequest{Service: "cart", PageSize: 50, PageToken: token}, token)
	require.NoError(t, err, "the page fields are not part of the question")
	require.Equal(t, "k\x00y", cursor)

	_, err = page.Decode(&logsv1.SearchLogsRequest{Service: "stock"}, token)
	require.ErrorIs(t, err, page.ErrToken)
	for _, bad := range []string{"x", "!", token[:8], token + "="} {
		_, err = page.Decode(first, bad)
		require.ErrorIs(t, err, page.ErrToken, bad)
	}
}

func TestTheLastPageHasNoToken(t *testing.T) {
	require.Empty(t, page.Encode(&logsv1.SearchLogsRequest{}, ""))
	cursor, err := page.Decode(&logsv1.SearchLogsRequest{}, "")
	require.NoError(t, err)
	require.Empty(t, cursor)
}
