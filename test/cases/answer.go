package cases

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// partial is a partial_success; all signals have the same numbers in protobuf.
type partial struct {
	set      bool
	rejected int
	message  string
}

func (a answer) isJSON() bool { return a.header.Get("Content-Type") == "application/json" }

func (a answer) ok() bool {
	if a.grpc != nil {
		return a.grpc.Code() == codes.OK
	}
	return a.http == http.StatusOK
}

// partial reads the answer to a request that was taken; of any other it is unset.
func (a answer) partial() (partial, error) {
	if !a.ok() {
		return partial{}, nil
	}
	if a.isJSON() {
		var m struct {
			PartialSuccess *struct {
				RejectedSpans, RejectedLogRecords, RejectedDataPoints json.Number
				ErrorMessage                                          string
			}
		}
		if err := json.Unmarshal(a.body, &m); err != nil || m.PartialSuccess == nil {
			return partial{}, err
		}
		s := m.PartialSuccess
		rejected := number(string(s.RejectedSpans)) + number(string(s.RejectedLogRecords)) + number(string(s.RejectedDataPoints))
		return partial{true, rejected, s.ErrorMessage}, nil
	}
	var m tracecollector.ExportTraceServiceResponse
	if err := proto.Unmarshal(a.body, &m); err != nil || m.PartialSuccess == nil {
		return partial{}, err
	}
	return partial{true, int(m.PartialSuccess.GetRejectedSpans()), m.PartialSuccess.GetErrorMessage()}, nil
}

// status is the google.rpc.Status of a refusal.
func (a answer) status() (*status.Status, error) {
	if a.grpc != nil {
		return a.grpc, nil
	}
	var s rpcstatus.Status
	unmarshal := proto.Unmarshal
	if a.isJSON() {
		unmarshal = protojson.Unmarshal
	}
	if err := unmarshal(a.body, &s); err != nil {
		return nil, fmt.Errorf("body %q: want a google.rpc.Status: %w", a.body, err)
	}
	return status.FromProto(&s), nil
}

// message is what the sender is told, or empty.
func (a answer) message() string {
	if a.ok() {
		p, _ := a.partial() // what cannot be read tells nothing
		return p.message
	}
	s, err := a.status()
	if err != nil {
		return ""
	}
	text := s.Message()
	for _, d := range s.Details() {
		if bad, is := d.(*errdetails.BadRequest); is {
			for _, v := range bad.GetFieldViolations() {
				text += " " + v.GetField() + ": " + v.GetDescription()
			}
		}
	}
	return text
}

// delay tells whether the answer asks to send again, after which time.
func (a answer) delay() bool {
	if a.grpc == nil {
		return a.header.Get("Retry-After") != ""
	}
	for _, d := range a.grpc.Details() {
		if _, is := d.(*errdetails.RetryInfo); is {
			return true
		}
	}
	return false
}

// retryable tells whether OTLP lets the client send again.
func (a answer) retryable() bool {
	if a.grpc == nil {
		switch a.http {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	switch a.grpc.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return true
	case codes.ResourceExhausted:
		return a.delay()
	}
	return false
}

// mentions tells which of the words the message lacks, without regard to case.
func (a answer) mentions(words any) error {
	list, is := words.([]any)
	if !is {
		list = []any{words}
	}
	message := a.message()
	for _, word := range list {
		if !strings.Contains(strings.ToLower(message), strings.ToLower(fmt.Sprint(word))) {
			return fmt.Errorf("message %q: want %q in it", message, word)
		}
	}
	return nil
}

// form checks that a body is what the words of a case call it.
func (a answer) form(want string) error {
	isJSON := strings.HasSuffix(want, "as JSON")
	if want != "google.rpc.Status as JSON" && want != "google.rpc.Status as protobuf" {
		return unknown("response_body " + want)
	}
	if isJSON != a.isJSON() {
		return fmt.Errorf("content-type %q, want %s", a.header.Get("Content-Type"), want)
	}
	s, err := a.status()
	if err == nil && s.Message() == "" {
		err = fmt.Errorf("body %q: empty message, want %s", a.body, want)
	}
	return err
}
