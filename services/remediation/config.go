package remediation

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"
)

// Secret is text that does not show when it is printed, logged or encoded.
type Secret string

// String gives "***", or "" when there is none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the text from JSON, YAML and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config says what may be proposed and done.
type Config struct {
	Playbooks     string        `name:"playbooks" help:"File of playbooks that come before the ones built in; empty: none."`
	Poll          time.Duration `name:"poll" default:"2s" help:"Interval of looking at incidents, 100ms to 1m."`
	ApprovalTime  time.Duration `name:"approval-time" default:"1h" help:"How long a plan waits for approval, 1m to 168h."`
	Cooldown      time.Duration `name:"cooldown" default:"10m" help:"How long a service is left alone after a plan for it, 0s to 24h."`
	MaxPending    int           `name:"max-pending" default:"20" help:"Plans that may be pending at once; beyond them nothing is proposed. 1 to 1000."`
	StepTimeout   time.Duration `name:"step-timeout" default:"30s" help:"How long one step may take with its retries, 1s to 10m."`
	WebhookURL    string        `name:"webhook-url" help:"Address that playbooks see as webhook_url; its host may be called. Empty: none."`
	WebhookSecret Secret        `name:"webhook-secret" help:"Key that signs calls with HMAC-SHA256; empty: they are not signed."`
	WebhookAllow  []string      `name:"webhook-allow" help:"Hosts that may be called (name or address), and address ranges (CIDR) that may be dialled although they are private."`
}

// Validate names every value that is out of its range.
func (c Config) Validate() error {
	errs := []error{
		within("remediation.poll", c.Poll, 100*time.Millisecond, time.Minute),
		within("remediation.approval_time", c.ApprovalTime, time.Minute, 168*time.Hour),
		within("remediation.cooldown", c.Cooldown, 0, 24*time.Hour),
		within("remediation.max_pending", c.MaxPending, 1, 1000),
		within("remediation.step_timeout", c.StepTimeout, time.Second, 10*time.Minute),
	}
	if c.WebhookURL != "" {
		if u, err := url.Parse(c.WebhookURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			errs = append(errs, errors.New("remediation.webhook_url: want http:// or https:// and a host, without a user"))
		}
	}
	for i, entry := range c.WebhookAllow {
		if _, err := netip.ParsePrefix(entry); err != nil && !hostName(entry) {
			errs = append(errs, fmt.Errorf("remediation.webhook_allow[%d]: %q, want a host, an address or a CIDR", i, entry))
		}
	}
	return errors.Join(errs...)
}

func within[T int | time.Duration](name string, v, low, high T) error {
	if v < low || v > high {
		return fmt.Errorf("%s: %v, want %v to %v", name, v, low, high)
	}
	return nil
}
