// Package gateway breaks the rule of the gateway.
package gateway

import "github.com/triflow/triflow/services/beta" // want: gateway imports services/beta

// X is used.
var X = beta.X
