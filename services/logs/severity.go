package logs

import (
	"strings"

	otlplogsv1 "go.opentelemetry.io/proto/otlp/logs/v1"

	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

// maxSeverity is the highest number of OTLP, FATAL4.
const maxSeverity = 24

func inRange(n int32) bool { return n >= 0 && n <= maxSeverity }

// severityOf gives the record's number as it came, or what its text says when it has none.
func severityOf(r *otlplogsv1.LogRecord) int32 {
	if n := int32(r.GetSeverityNumber()); n != 0 {
		return n
	}
	return said(r.GetSeverityText())
}

// rank is the severity by which records are compared, 0 to 24: a number that OTLP has not ranks as its text.
func rank(log *logsv1.LogRecord) int32 {
	if n := log.GetSeverityNumber(); inRange(n) {
		return n
	}
	return said(log.GetSeverityText())
}

// said gives the number that a severity's text means, 0 if that is not known.
func said(text string) int32 {
	switch strings.ToLower(text) {
	case "trace":
		return 1
	case "debug":
		return 5
	case "info", "information", "notice":
		return 9
	case "warn", "warning":
		return 13
	case "error", "err":
		return 17
	case "fatal", "critical", "crit", "panic", "alert", "emerg", "emergency":
		return 21
	}
	return 0
}
