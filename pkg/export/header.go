package export

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Secret is where the value of a header comes from: one of Env and File. It is never shown, neither in logs and
// findings nor in what a backend said.
type Secret struct {
	// Env names a variable of the environment.
	Env string `yaml:"env"`
	// File holds the value, but for white space around it. It is read again when it changes.
	File string `yaml:"file"`
	// Prefix goes before the value, such as "Bearer ".
	Prefix string `yaml:"prefix"`
}

// headers are those of the requests to an endpoint. Many goroutines may use them.
type headers struct {
	fixed   map[string]string
	secrets []secret
}

// secret is a header whose value is not to be seen.
type secret struct {
	name, prefix string
	value        func() string
}

// newHeaders reads the secrets for the first time.
func newHeaders(e Endpoint, deps Deps) (*headers, error) {
	h := &headers{fixed: e.Headers}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(e.Secrets)) {
		s := e.Secrets[name]
		value, err := s.open(deps)
		if err != nil {
			faults = append(faults, fmt.Errorf("secrets.%s: %w", name, err))
			continue
		}
		h.secrets = append(h.secrets, secret{name, s.Prefix, value})
	}
	return h, errors.Join(faults...)
}

// open gives how to get the value.
func (s Secret) open(deps Deps) (func() string, error) {
	if s.Env != "" {
		value, ok := deps.LookupEnv(s.Env)
		if !ok {
			return nil, fmt.Errorf("env: %s is not set", s.Env)
		}
		value, err := secretValue([][]byte{[]byte(value)})
		return func() string { return value }, err
	}
	r, err := load([]string{s.File}, secretValue, func(err error) {
		deps.Log.Warn("secret not read again, the one before is used", "error", err)
	})
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	return r.get, nil
}

// secretValue reads the one content.
func secretValue(contents [][]byte) (string, error) {
	value := string(bytes.TrimSpace(contents[0]))
	if value == "" || !isPrintable(value) {
		return "", fmt.Errorf("value of %d bytes, want a printable line", len(value))
	}
	return value, nil
}

// all gives every header to f.
func (h *headers) all(f func(name, value string)) {
	for name, value := range h.fixed {
		f(name, value)
	}
	for _, s := range h.secrets {
		f(s.name, s.prefix+s.value())
	}
}

// hide takes the secrets out of what a backend said: some repeat the token that they do not like.
func (h *headers) hide(text string) string {
	for _, s := range h.secrets {
		text = strings.ReplaceAll(text, s.value(), "***")
	}
	return text
}

func (s Secret) validate() error {
	switch {
	case (s.Env == "") == (s.File == ""):
		return fmt.Errorf("env and file: %q and %q, want one of them", s.Env, s.File)
	case !isPrintable(s.Prefix):
		return errors.New("prefix: want printable characters")
	}
	return nil
}

// isHeader keeps out what a transport would refuse with every request, and the headers that it writes itself.
func isHeader(name string) bool {
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "grpc-") || slices.Contains([]string{"content-type", "content-encoding", "content-length", "te"}, lower) {
		return false
	}
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' }
	return name != "" && !strings.ContainsFunc(lower, odd)
}

func isPrintable(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}
