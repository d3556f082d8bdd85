package export_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/export"
)

// secured starts a backend that proves to be name and wants a certificate of the same authority.
func secured(t *testing.T, scheme string, a *authority, name string, protocols ...string) *backend {
	b := &backend{
		scheme: scheme, address: "127.0.0.1:0", more: make(chan struct{}), traces: make(map[string]bool),
		tls: a.server(name, protocols...),
	}
	b.start(t)
	t.Cleanup(b.kill)
	return b
}

// trusting is of a client that a has issued files to in dir.
func trusting(a *authority, dir string, b *backend) export.Config {
	a.issue(dir)
	cfg := quick(export.RoundRobin, b)
	cfg.Endpoints[0].TLS = export.TLS{
		CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"),
		ServerName: "backend",
	}
	return cfg
}

func TestBothSidesProveWhoTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		scheme    string
		protocols []string
		want      string
	}{
		"gRPC":     {"grpcs", []string{"h2"}, ""},
		"HTTP/2":   {"https", []string{"h2", "http/1.1"}, "HTTP/2.0"},
		"HTTP/1.1": {"https", []string{"http/1.1"}, "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t, "acme")
			b := secured(t, c.scheme, a, "backend", c.protocols...)
			r := run(t, trusting(a, t.TempDir(), b))
			<-r.push(request(t, "one", 1), 1)
			require.Equal(t, []string{"one"}, b.names())
			b.wait(t, func() bool { return b.protocol == c.want })
		})
	}
}

func TestNothingIsSentToWhoCannotProveWhoItIs(t *testing.T) {
	a, other := newAuthority(t, "acme"), newAuthority(t, "other")
	for _, scheme := range []string{"grpcs", "https"} {
		for name, signs := range map[string]*authority{"backend": other, "someone": a} {
			t.Run(scheme+" "+name, func(t *testing.T) {
				b := secured(t, scheme, signs, name, "h2")
				r := run(t, trusting(a, t.TempDir(), b))
				done := r.push(request(t, "one", 1), 1)
				require.Contains(t, r.fault("unreachable").Text, "certificate")
				require.Empty(t, b.names())
				select {
				case <-done:
					t.Fatal("done though nobody took it")
				default:
				}
			})
		}
	}
}

func TestCertificatesThatChangeAreUsedWithoutARestart(t *testing.T) {
	for _, scheme := range []string{"grpcs", "https"} {
		t.Run(scheme, func(t *testing.T) {
			a, next := newAuthority(t, "acme"), newAuthority(t, "acme, a year later")
			dir := t.TempDir()
			b := secured(t, scheme, a, "backend", "h2")
			r := run(t, trusting(a, dir, b))
			<-r.push(request(t, "one", 1), 1)
			b.kill()
			b.tls = next.server("backend", "h2")
			b.start(t)
			done := r.push(request(t, "two", 2), 1)
			r.fault("unreachable")
			next.issue(dir)
			<-done
			require.Equal(t, []string{"one", "two"}, b.names())
		})
	}
}

func TestFilesThatDoNotFitLeaveThoseBeforeInUse(t *testing.T) {
	a := newAuthority(t, "acme")
	dir := t.TempDir()
	b := secured(t, "https", a, "backend", "http/1.1")
	r := run(t, trusting(a, dir, b))
	<-r.push(request(t, "one", 1), 1)
	_, key := a.sign("another")
	write(t, filepath.Join(dir, "key.pem"), key) // its certificate is yet to come
	b.kill()
	b.start(t)
	<-r.push(request(t, "two", 2), 1)
	require.NoError(t, os.Remove(filepath.Join(dir, "ca.pem")))
	b.kill()
	b.start(t)
	<-r.push(request(t, "three", 3), 1)
	require.Equal(t, []string{"one", "two", "three"}, b.names())
}

func TestCertificatesThatCannotBeReadAreToldAtTheStart(t *testing.T) {
	a := newAuthority(t, "acme")
	dir := t.TempDir()
	cfg := trusting(a, dir, &backend{scheme: "https", address: "127.0.0.1:1"})
	for file, want := range map[string]string{"ca.pem": "certificate", "cert.pem": "certificate", "key.pem": "key"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		write(t, filepath.Join(dir, file), bytes.Repeat([]byte("x"), 10))
		_, err = export.New(cfg, deps(slog.DiscardHandler))
		require.ErrorContains(t, err, "export to tempo: endpoints[0]: tls: read")
		require.ErrorContains(t, err, want)
		write(t, filepath.Join(dir, file), content)
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "ca.pem")))
	_, err := export.New(cfg, deps(slog.DiscardHandler))
	require.ErrorIs(t, err, os.ErrNotExist)
}
