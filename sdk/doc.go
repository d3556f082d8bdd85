// Package sdk is the folder of what an application links to send traces, on top of the OpenTelemetry SDK and to any OTLP
// backend. It holds no code of its own; take what you need:
//
//	package     in place of                    what it adds
//	processor   sdktrace.NewBatchSpanProcessor OnEnd never waits; what had to be dropped is counted here and seen as a
//	                                           gap by Triflow, to the span; a server that is away is waited for
//	sampler     sdktrace.TraceIDRatioBased     keeps a share of traces and says so in each, so that counts stay right;
//	                                           Adaptive lowers the share by 0.9 under errors and raises it by 1.1 after
//	degrade     nothing                        an exporter around yours that leaves out details under pressure, or when
//	                                           told to: a body becomes its size, events and links go
//
// Below them are ring, the lock-free queue, and pressure, by which the processor tells the others how it fares.
//
// The module needs the OpenTelemetry SDK and nothing else, beside what its tests need. The exporter is yours to choose:
// otlptracegrpc and otlptracehttp are those that it is tested with.
package sdk
