// Package gateway is the one door for people and their clients: REST with JSON, Connect, gRPC-Web and gRPC on one
// port, live updates, and the page.
//
// It holds no state and decides nothing. A call goes to the service that owns it, over a connection that the gateway
// is given; which methods are open to the outside is said in the contracts: those with a google.api.http binding. What
// services say among themselves (Decide, Observe, Push) has none, and is not served here.
//
//	GET /api/v1/…                     REST          rest.go
//	POST /triflow.<service>.v1.…/…    Connect, gRPC connect.go
//	GET /openapi.json                 the REST API as OpenAPI v2
//	GET /healthz, /readyz, /metrics   what operators ask, as on the admin address
//	GET /, /incidents/…               the page      page.go
package gateway
