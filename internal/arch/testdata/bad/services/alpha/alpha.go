// Package alpha breaks the rules of a service.
package alpha

import (
	"net"
	"time"

	"github.com/triflow/triflow/gateway" // want: services/alpha imports gateway
	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/services/alpha/internal/core"
	"github.com/triflow/triflow/services/alphabet" // want: services/alpha imports services/alphabet
	"github.com/triflow/triflow/services/beta"     // want: services/alpha imports services/beta
)

var _ = []any{net.Dial, time.Now, gateway.X, page.X, core.X, alphabet.X, beta.X}
