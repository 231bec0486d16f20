package terraform

import (
	"math/big"
	"net/netip"
)

func netFuncs() map[string]builtin {
	return map[string]builtin{
		"cidrhost":    exactly(2, cidrhost),
		"cidrnetmask": exactly(1, cidrnetmask),
		"cidrsubnet":  exactly(3, cidrsubnet),
		"cidrsubnets": between(1, -1, cidrsubnets),
	}
}

func (c *call) prefix() (netip.Prefix, *val) {
	s, bad := c.text(0)
	if bad != nil {
		return netip.Prefix{}, bad
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, c.fail("the argument is no address range")
	}
	return p.Masked(), nil
}

// shifted adds n, shifted to the left, to an address.
func shifted(a netip.Addr, n *big.Int, shift int) (netip.Addr, bool) {
	sum := new(big.Int).SetBytes(a.AsSlice())
	sum.Add(sum, new(big.Int).Lsh(n, uint(shift)))
	if sum.Sign() < 0 || sum.BitLen() > a.BitLen() {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(sum.FillBytes(make([]byte, a.BitLen()/8)))
}

func cidrhost(c *call) *val {
	p, bad := c.prefix()
	if bad != nil {
		return bad
	}
	n, bad := c.int(1)
	if bad != nil {
		return bad
	}
	bits := p.Addr().BitLen() - p.Bits()
	size := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	host := big.NewInt(int64(n))
	if n < 0 {
		host.Add(host, size)
	}
	if host.Sign() < 0 || host.Cmp(size) >= 0 {
		return c.fail("the range has no such host")
	}
	a, ok := shifted(p.Addr(), host, 0)
	if !ok {
		return c.fail("the range has no such host")
	}
	return c.result(a.String())
}

func cidrnetmask(c *call) *val {
	p, bad := c.prefix()
	if bad != nil {
		return bad
	}
	if !p.Addr().Is4() {
		return c.fail("only IPv4 has netmasks")
	}
	ones, err := netip.AddrFrom4([4]byte{255, 255, 255, 255}).Prefix(p.Bits())
	if err != nil {
		return c.fail("the argument is no address range")
	}
	return c.result(ones.Addr().String())
}

func cidrsubnet(c *call) *val {
	p, bad := c.prefix()
	if bad != nil {
		return bad
	}
	more, bad := c.int(1)
	if bad != nil {
		return bad
	}
	n, bad := c.int(2)
	if bad != nil {
		return bad
	}
	bits := p.Addr().BitLen()
	if more < 0 || p.Bits()+more > bits || n < 0 || more < 63 && n >= 1<<more {
		return c.fail("the range has no such part")
	}
	a, ok := shifted(p.Addr(), big.NewInt(int64(n)), bits-p.Bits()-more)
	if !ok {
		return c.fail("the range has no such part")
	}
	return c.result(netip.PrefixFrom(a, p.Bits()+more).String())
}

// cidrsubnets gives ranges of the asked lengths one behind the other.
func cidrsubnets(c *call) *val {
	p, bad := c.prefix()
	if bad != nil {
		return bad
	}
	bits := p.Addr().BitLen()
	next := new(big.Int)
	var items []*val
	for i := 1; i < len(c.args); i++ {
		more, bad := c.int(i)
		if bad != nil {
			return bad
		}
		if more < 1 || p.Bits()+more > bits {
			return c.fail("the range has no such part")
		}
		size := new(big.Int).Lsh(big.NewInt(1), uint(bits-p.Bits()-more))
		// Parts begin at multiples of their size.
		next.Add(next, new(big.Int).Sub(size, big.NewInt(1)))
		next.Div(next, size).Mul(next, size)
		end := new(big.Int).Add(next, size)
		if end.Cmp(new(big.Int).Lsh(big.NewInt(1), uint(bits-p.Bits()))) > 0 {
			return c.fail("the range is too small")
		}
		a, ok := shifted(p.Addr(), next, 0)
		if !ok {
			return c.fail("the range is too small")
		}
		items = append(items, newText(c.rng, netip.PrefixFrom(a, p.Bits()+more).String()))
		next.Set(end)
	}
	return c.done(newList(c.rng, items))
}
