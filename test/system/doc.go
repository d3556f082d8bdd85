// Package system tests Triflow as its users have it: the binary as processes, real OTLP, a real Consul, Redis and
// browser, and everything read back over REST.
package system
