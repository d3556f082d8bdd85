package remediation

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// allowList says which hosts may be called and which private addresses may be dialled.
type allowList struct {
	hosts    map[string]bool // lower case, names and addresses
	prefixes []netip.Prefix
}

// newAllowList reads the entries; the host of base, the operator's own address, is allowed too.
func newAllowList(entries []string, base string) allowList {
	a := allowList{hosts: map[string]bool{}}
	if u, err := url.Parse(base); err == nil && base != "" {
		entries = append(entries[:len(entries):len(entries)], u.Hostname())
	}
	for _, e := range entries {
		if p, err := netip.ParsePrefix(e); err == nil {
			a.prefixes = append(a.prefixes, p)
			continue
		}
		a.hosts[strings.ToLower(e)] = true
		if addr, err := netip.ParseAddr(e); err == nil {
			a.prefixes = append(a.prefixes, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
		}
	}
	return a
}

// checkURL says why u may not be called: its form, or its host.
func (a allowList) checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("scheme %q, want https or http", u.Scheme)
	case u.User != nil:
		return fmt.Errorf("address of %s with a user in it, want none", u.Hostname())
	}
	host := strings.ToLower(u.Hostname())
	if a.hosts[host] {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && a.listed(addr.Unmap()) {
		return nil
	}
	return fmt.Errorf("host %q is not in the list of hosts that may be called", host)
}

// checkDial says why an address may not be dialled. It sees what the name was resolved to at that moment, so a name
// that changes its mind, or an address in another spelling, gains nothing.
func (a allowList) checkDial(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return refusal{fmt.Errorf("dial %s: not an address", address)}
	}
	addr := ap.Addr().Unmap().WithZone("")
	if private(addr) && !a.listed(addr) {
		return refusal{fmt.Errorf("dial %s: a private or special address that is not listed", addr)}
	}
	return nil
}

func (a allowList) listed(addr netip.Addr) bool {
	for _, p := range a.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// private reports addresses that do not lead to another host of the internet, or may lead to one of ours. The clouds'
// metadata services are among them: 169.254.169.254, fd00:ec2::254, 100.100.100.200.
func private(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return true // also loopback, link-local, multicast, unspecified, broadcast
	}
	for _, p := range specialRanges {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// specialRanges are the ranges of the IANA special-purpose registries that net/netip has no method for. The last ones
// carry an IPv4 address within an IPv6 one.
var specialRanges = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/32"),
}

// newTransport makes a transport that dials only what a allows, and knows no proxy.
func newTransport(a allowList) *http.Transport {
	dialer := &net.Dialer{
		Timeout: callTimeout,
		Control: func(_, address string, _ syscall.RawConn) error { return a.checkDial(address) },
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    callTimeout,
		ResponseHeaderTimeout:  callTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConns:           4,
		DisableCompression:     true, // nothing is unpacked, so nothing can burst
		ForceAttemptHTTP2:      true,
	}
}

// hostName reports a name of letters, digits, '-', '_' and '.', or an IP address.
func hostName(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return s != "" && len(s) <= 253 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}
