// Package sdk tests what an application links, with the exporters of the OpenTelemetry SDK for OTLP over gRPC and HTTP,
// against a running Triflow.
//
// What it promises: every span that ended is accepted by Triflow or counted as dropped by the processor, and the numbers
// that Triflow's API tells are those of the processor, to the span.
package sdk
