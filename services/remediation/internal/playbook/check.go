package playbook

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

// The bounds of a boost.
const (
	MinBoost = time.Minute
	MaxBoost = 24 * time.Hour
)

// check checks the parameters of a step, filled in.
func check(kind remediationv1.ActionKind, parameters map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if err := checkValue(kind, name, parameters[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func checkValue(kind remediationv1.ActionKind, name, value string) error {
	var err error
	switch {
	case kind == remediationv1.ActionKind_ACTION_KIND_SAMPLING_BOOST && name == "service":
		if value == "" || len(value) > 256 {
			err = fmt.Errorf("%d bytes, want 1 to 256", len(value))
		}
	case name == "ratio":
		_, err = Ratio(value)
	case name == "for":
		_, err = For(value)
	case name == "url":
		if !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://") {
			err = fmt.Errorf("%q, want an address that starts with https:// or http://", value)
		}
	}
	return err
}

// Ratio reads a share of traces, above 0 up to 1.
func Ratio(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 1e-9 && f <= 1) {
		return 0, fmt.Errorf("%q, want a number from 1e-9 to 1", text)
	}
	return f, nil
}

// For reads how long a boost lasts.
func For(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < MinBoost || d > MaxBoost {
		return 0, fmt.Errorf("%q, want %v to %v", text, MinBoost, MaxBoost)
	}
	return d, nil
}
