// Package openapi holds the description of the REST API, generated from the contracts.
package openapi

import _ "embed"

// Document is an OpenAPI v2 description in JSON.
//
//go:embed triflow.swagger.json
var Document []byte
