package shop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// upstreamError is a service's answer other than 2xx, as its caller sees it.
type upstreamError struct {
	service string
	status  int
}

func (e *upstreamError) Error() string { return fmt.Sprintf("%s answered %d", e.service, e.status) }

// handler serves the service's routes. Jobs end with hard, not with their request: a server does not notice that its
// client has gone, and the work is done for nobody.
func (s *service) handler(hard context.Context) http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes {
		// Inside the mux, so that the route is known when the span starts.
		mux.Handle(r.pattern, otelhttp.NewHandler(s.serve(hard, r), r.pattern, s.instrumentation()...))
	}
	if s.database != nil {
		mux.Handle(queryPattern, s.answer(hard))
	}
	return mux
}

func (s *service) serve(hard context.Context, r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := outlive(req.Context(), hard)
		defer cancel()
		j := job{id: req.PathValue("id")}
		if j.id == "" {
			j.id = newOrder(s.dice)
		}
		err := s.perform(ctx, r.steps, j)
		if err == nil {
			fmt.Fprintf(w, "{\"id\":%q}\n", j.id) // the client's loss if it does not arrive
			return
		}
		status := statusOf(err)
		var upstream *upstreamError
		switch {
		case status == http.StatusNotFound:
			s.log.WarnContext(ctx, "product "+j.id+" not found", "shop.id", j.id)
		case errors.As(err, &upstream):
			s.log.ErrorContext(ctx, r.pattern+" failed: "+err.Error(), "service.peer.name", upstream.service)
		case status == http.StatusGatewayTimeout:
			s.log.ErrorContext(ctx, r.pattern+" failed: no answer in time", "error.message", err.Error())
		}
		http.Error(w, err.Error(), status)
	})
}

// statusOf chooses the HTTP status for a failed job. An internal error has been logged where it happened.
func statusOf(err error) int {
	var upstream *upstreamError
	switch {
	case errors.Is(err, errAbsent):
		return http.StatusNotFound
	case errors.As(err, &upstream), errors.Is(err, errQueueFull):
		return http.StatusBadGateway
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}

// outlive returns a context with the values of ctx and the life of hard.
func outlive(ctx, hard context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(hard, cancel)
	return ctx, func() { stop(); cancel() }
}

func (c call) do(ctx context.Context, s *service, j job) error {
	return s.persist(ctx, c.to, func(ctx context.Context) error {
		return send(context.WithValue(ctx, patternKey{}, c.pattern), s.instrumented, c.to, c.pattern, j)
	})
}

// send asks a service and discards what it says. The pattern's {id} becomes the job's.
func send(ctx context.Context, client *http.Client, to, pattern string, j job) error {
	method, path, _ := strings.Cut(pattern, " ")
	req, err := http.NewRequestWithContext(ctx, method, "http://"+to+strings.ReplaceAll(path, "{id}", j.id), nil)
	if err != nil {
		return fmt.Errorf("request to %s: %w", to, err)
	}
	req.Header.Set("User-Agent", "shop-http/1.4")
	return roundTrip(client, to, req)
}

func roundTrip(client *http.Client, to string, req *http.Request) error {
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", to, err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return fmt.Errorf("answer of %s: %w", to, err)
	}
	if res.StatusCode >= 400 {
		return &upstreamError{to, res.StatusCode}
	}
	return nil
}

// patternKey is the context key of the route that an outgoing request is meant for.
type patternKey struct{}

func patternOf(ctx context.Context) string {
	p, _ := ctx.Value(patternKey{}).(string)
	return p
}

// templated is a transport that adds the route to the client span that otelhttp has started around it.
type templated struct{ http.RoundTripper }

func (t templated) RoundTrip(r *http.Request) (*http.Response, error) {
	_, template, _ := strings.Cut(patternOf(r.Context()), " ")
	trace.SpanFromContext(r.Context()).SetAttributes(semconv.URLTemplate(template))
	return t.RoundTripper.RoundTrip(r)
}
