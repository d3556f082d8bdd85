// Package handoff carries batches of telemetry from the log of ingestion to the services that own them, in one
// process by a call and between processes by a numbered, digested stream, with the same contract: at least once,
// in order, acknowledged when done.
package handoff
