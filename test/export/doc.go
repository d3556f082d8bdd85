// Package export lets gRPC send encoded OTLP export requests as they are, for odd requests that no encoder would write.
//
// What it promises: the bytes given are the bytes sent, and an answer is given as it came.
package export
