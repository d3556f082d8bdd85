// Package page breaks the rules of pkg.
package page

import "C" // want: pure Go
import "github.com/triflow/triflow/services/beta" // want: pkg/page imports services/beta

// X is used.
var X = beta.X
