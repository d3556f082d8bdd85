package admit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/triflow/triflow/pkg/bucket"
)

// Limit is what one tenant may send. A rate of 0 is none.
type Limit struct {
	RequestsPerSecond float64
	ItemsPerSecond    float64
	BytesPerSecond    float64
	// Weight is its part of the room beside that of others, above 0; 0 is 1.
	Weight float64
}

// Limits has the limits by name, and those of everybody else.
type Limits struct {
	Default Limit
	Tenants map[string]Limit
}

// most bounds every value, so that sums and products stay finite.
const most = 1e18

// field is one of a Limit: its name in files and where it is.
type field struct {
	name string
	of   func(*Limit) *float64
}

var fields = [...]field{
	{"requests_per_second", func(l *Limit) *float64 { return &l.RequestsPerSecond }},
	{"items_per_second", func(l *Limit) *float64 { return &l.ItemsPerSecond }},
	{"bytes_per_second", func(l *Limit) *float64 { return &l.BytesPerSecond }},
	{"weight", func(l *Limit) *float64 { return &l.Weight }},
}

// Validate names every value that is out of its range, and every name that no tenant can have.
func (l Limits) Validate() error {
	faults := l.Default.faults("default")
	for _, name := range slices.Sorted(maps.Keys(l.Tenants)) {
		if err := checkName(name); err != nil {
			faults = append(faults, err)
		}
		faults = append(faults, l.Tenants[name].faults("tenants."+name)...)
	}
	return errors.Join(faults...)
}

func (l Limit) faults(path string) (faults []error) {
	for _, f := range fields {
		if err := f.check(path, *f.of(&l)); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

func (f field) check(path string, v float64) error {
	switch {
	case !(v >= 0): // also not NaN
		return fmt.Errorf("%s.%s: %v, want 0 or more", path, f.name, v)
	case v > most:
		return fmt.Errorf("%s.%s: %v, want at most %v", path, f.name, v, most)
	}
	return nil
}

func checkName(name string) error {
	if !validName(name) {
		return fmt.Errorf("tenants: name %q, want %s", name, wantName)
	}
	return nil
}

// of gives the limit of a tenant.
func (l Limits) of(name string) Limit {
	limit, own := l.Tenants[name]
	if !own {
		limit = l.Default
	}
	if limit.Weight == 0 {
		limit.Weight = 1
	}
	return limit
}

// newBucket holds what rate brings in burst; none for no limit.
func newBucket(rate float64, burst time.Duration) *bucket.Bucket {
	if rate == 0 {
		return nil
	}
	return bucket.New(rate, max(1, rate*burst.Seconds()))
}

const wantName = "1 to 64 characters of A-Z, a-z, 0-9, _, . and -"

// validName says whether a tenant may be called so. A name is also a label of metrics and part of paths.
func validName(name string) bool {
	if len(name) < 1 || len(name) > 64 {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}
