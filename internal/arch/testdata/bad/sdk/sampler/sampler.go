// Package sampler breaks the rule of the SDK.
package sampler

import "github.com/triflow/triflow/pkg/page" // want: sdk/sampler imports pkg/page

var _ = page.X
