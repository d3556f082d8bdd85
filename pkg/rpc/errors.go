package rpc

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Violations gathers what is wrong with a request, so that a caller learns of all of it at once. The zero value is ready.
type Violations []*errdetails.BadRequest_FieldViolation

// Add notes one fault: the path of the field, and what came and what is wanted ("7 bytes, want 8").
func (v *Violations) Add(field, description string) {
	*v = append(*v, &errdetails.BadRequest_FieldViolation{Field: field, Description: description})
}

// Check notes err as a fault of field, if there is one.
func (v *Violations) Check(field string, err error) {
	if err != nil {
		v.Add(field, err.Error())
	}
}

// Err is nil without faults, else INVALID_ARGUMENT with a google.rpc.BadRequest that lists them.
func (v Violations) Err() error {
	if len(v) == 0 {
		return nil
	}
	texts := make([]string, len(v))
	for i, f := range v {
		texts[i] = f.GetField() + ": " + f.GetDescription()
	}
	return withDetail(status.New(codes.InvalidArgument, strings.Join(texts, "; ")), &errdetails.BadRequest{FieldViolations: v})
}

// InvalidArgument is the error for one faulty field.
func InvalidArgument(field, description string) error {
	var v Violations
	v.Add(field, description)
	return v.Err()
}

// NotFound is the error for a thing that is not there.
func NotFound(kind, id string) error {
	return status.Error(codes.NotFound, fmt.Sprintf("%s %q is not known", kind, id))
}

// Unavailable is the error for something that may work if it is tried again after the delay.
func Unavailable(after time.Duration, message string) error {
	return Retry(codes.Unavailable, after, message)
}

// Retry is an error with a code of the caller's choice for something to be tried again after the delay.
func Retry(code codes.Code, after time.Duration, message string) error {
	return withDetail(status.New(code, message), &errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
}

func withDetail(s *status.Status, detail protoadapt.MessageV1) error {
	if d, err := s.WithDetails(detail); err == nil {
		return d.Err()
	}
	return s.Err()
}
