package rule

import (
	"net/netip"
	"strings"
)

// worldBits is the longest prefix that is taken for the whole internet: the
// two halves of an address family together are all of it.
const worldBits = 1

// openToWorld reports whether a CIDR is all of IPv4 or IPv6, or a half of it.
func openToWorld(s string) bool {
	p, err := netip.ParsePrefix(strings.TrimSpace(s))
	return err == nil && p.Bits() <= worldBits
}

// privateRanges are those from which no packet arrives over the internet.
var privateRanges = mustPrefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // private use
	"100.64.0.0/10",                                                                      // shared by carriers
	"127.0.0.0/8",                                                                        // loopback
	"169.254.0.0/16",                                                                     // link-local
	"192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", // protocols, documentation, benchmarks
	"224.0.0.0/4", "240.0.0.0/4", // multicast, reserved
	"0.0.0.0/8",
	"::1/128", "::/128", "fc00::/7", "fe80::/10", "ff00::/8", "2001:db8::/32", "100::/64",
)

func mustPrefixes(ss ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(ss))
	for i, s := range ss {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// publicCIDR reports whether a CIDR or a single address reaches beyond the
// ranges for private and special use.
func publicCIDR(s string) bool {
	s = strings.TrimSpace(s)
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return false
		}
		p = netip.PrefixFrom(a.WithZone(""), a.BitLen())
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	for _, r := range privateRanges {
		if r.Bits() <= p.Bits() && r.Contains(p.Addr()) {
			return false
		}
	}
	return true
}
