package terraform

import (
	"regexp"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxPieces bounds the unknown pieces of one text; with more nothing is kept.
const maxPieces = 32

// pieces puts a text together of which some pieces may be unknown.
type pieces struct {
	known []string // before the unknown pieces so far
	cur   strings.Builder
	holes int
}

func (p *pieces) lit(s string) { p.cur.WriteString(s) }

// gap stands for a piece that is not known, or known as far as parts says.
func (p *pieces) gap(parts []string) {
	if len(parts) < 2 {
		parts = []string{"", ""}
	}
	if p.holes += len(parts) - 1; p.holes > maxPieces {
		return
	}
	for i, s := range parts {
		p.cur.WriteString(s)
		if i < len(parts)-1 {
			p.known = append(p.known, p.cur.String())
			p.cur.Reset()
		}
	}
}

// put adds a scalar; false for what is neither text nor unknown.
func (p *pieces) put(v *val) bool {
	if s, ok := v.asText(); ok {
		p.lit(s)
		return true
	}
	b := v.base()
	p.gap(b.known)
	return b.kind == unknown && !b.failed || b.kind == wholeResource
}

// parts gives what is known, nil where nothing is.
func (p *pieces) parts() []string {
	if p.holes == 0 || p.holes > maxPieces {
		return nil
	}
	out := append(p.known, p.cur.String())
	for _, s := range out {
		if s != "" {
			return out
		}
	}
	return nil
}

// simpleVerb matches the verbs of a format that take a text or number as it is.
var simpleVerb = regexp.MustCompile(`%(?:%|[sdv])`)

// formatParts gives what is known of format() with arguments that are not.
func formatParts(c *call) []string {
	spec := c.args[0].base()
	if spec.kind != text || strings.Count(spec.str, "%") > 4*maxPieces {
		return nil
	}
	var p pieces
	rest, next := spec.str, 1
	for {
		at := strings.IndexByte(rest, '%')
		if at < 0 {
			p.lit(rest)
			break
		}
		m := simpleVerb.FindStringIndex(rest)
		if m == nil || m[0] != at {
			return nil
		}
		p.lit(rest[:at])
		if rest[at+1] == '%' {
			p.lit("%")
		} else {
			if next == len(c.args) || !p.put(c.args[next]) {
				return nil
			}
			next++
		}
		rest = rest[m[1]:]
		if p.cur.Len() > maxText {
			return nil
		}
	}
	return p.parts()
}

// joinParts gives what is known of join() with elements that are not.
func joinParts(c *call) []string {
	between, ok := c.args[0].asText()
	if !ok {
		return nil
	}
	var p pieces
	first := true
	for _, a := range c.args[1:] {
		b := a.base()
		if b.kind != list || b.partial || b.set {
			return nil
		}
		for _, it := range b.items {
			if !first {
				p.lit(between)
			}
			first = false
			if !p.put(it) || p.cur.Len() > maxText || p.holes > maxPieces {
				return nil
			}
		}
	}
	return p.parts()
}

// mapParts gives what is known of a function that treats every character alike.
func mapParts(f func(string) string) func(*call) []string {
	return func(c *call) []string {
		parts := c.args[0].base().known
		if parts == nil {
			return nil
		}
		out := make([]string, len(parts))
		for i, s := range parts {
			out[i] = f(s)
		}
		return out
	}
}

// knowing adds to a function what is known of its result when the whole is not.
func knowing(b builtin, parts func(*call) []string) builtin {
	run := b.run
	b.run = func(c *call) *val {
		v := run(c)
		if v.kind == unknown && !v.failed && !c.e.u.stopped {
			n := 0
			v.known = parts(c)
			for _, s := range v.known {
				n += len(s)
			}
			if !c.e.u.produce(n) {
				return newUnknown(source.Range{}, whyStopped)
			}
		}
		return v
	}
	return b
}
