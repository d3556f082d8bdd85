// Package discover finds the processes of a service: for gRPC by a resolver on Consul or a fixed list, and for others
// by a registration there.
//
// A target consul:///NAME resolves to the instances of NAME whose health check passes, and follows every change by a
// blocking query. While the agent is away the last set stays: who was healthy is more likely right than nobody. A
// target static:///HOST:PORT,HOST:PORT is a list. Nothing is registered with gRPC for the whole process: pass the
// builders to grpc.WithResolvers.
package discover
