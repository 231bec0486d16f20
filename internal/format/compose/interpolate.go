package compose

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxNested bounds the variables within the defaults of variables.
const maxNested = 16

// filler puts in the variables of one Compose file: what the file beside it
// gives them, else their defaults.
type filler struct {
	vars variables
	from []source.Range // the variables that the text at hand is made of
}

// interpolate puts in the variables below n, which stands in the field named name
// ("" where names are the author's own), as Compose does before it looks at what
// a value is.
func (x *filler) interpolate(n *resource.Node, name string) {
	switch n.Kind {
	case resource.Map:
		for _, f := range n.Fields {
			of := f.Name
			switch name {
			case "environment", "labels", "annotations", "args", "sysctls":
				of = ""
			}
			x.interpolate(f.Node, of)
		}
	case resource.List:
		for _, it := range n.Items {
			x.interpolate(it, "")
		}
	case resource.String:
		s := n.Str()
		if strings.IndexByte(s, '$') >= 0 {
			x.from = nil
			v, why := x.expand(s, 0)
			n.Origins = append(n.Origins[:len(n.Origins):len(n.Origins)], x.from...)
			if why != "" {
				n.Value, n.Unknown, n.Why = nil, true, why
				return
			}
			n.Value = v
			s = v
		}
		if switches[name] {
			cast(n, s)
		}
	}
}

// switches are the settings of a service that Compose reads as booleans even
// where they are written as text, which a value from a variable always is. The
// table is read, never written.
var switches = map[string]bool{
	"privileged": true, "read_only": true, "init": true, "tty": true, "stdin_open": true, "oom_kill_disable": true,
	"use_api_socket": true, "create_host_path": true, "disable": true,
}

func cast(n *resource.Node, s string) {
	switch strings.ToLower(s) {
	case "true", "yes", "y", "on", "1":
		n.Kind, n.Value = resource.Bool, true
	case "false", "no", "n", "off", "0":
		n.Kind, n.Value = resource.Bool, false
	}
}

// expand gives the text with its variables replaced by their defaults, or why
// that is not known. "$$" is a dollar sign.
func (x *filler) expand(s string, depth int) (out, why string) {
	if depth > maxNested {
		return "", "variables that are nested too deep"
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i+1 == len(s) {
			b.WriteString(s)
			return b.String(), ""
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		switch {
		case s[0] == '$':
			b.WriteByte('$')
			s = s[1:]
		case s[0] == '{':
			end := closing(s)
			if end < 0 {
				return "", "a variable whose brace is not closed"
			}
			v, why := x.variable(s[1:end], depth)
			if why != "" {
				return "", why
			}
			b.WriteString(v)
			s = s[end+1:]
		default:
			n := nameLen(s)
			if n > 0 {
				v, why := x.variable(s[:n], depth)
				if why != "" {
					return "", why
				}
				b.WriteString(v)
				s = s[n:]
				continue
			}
			b.WriteByte('$')
		}
	}
}

// closing is the offset of the brace that closes the one at the start of s.
func closing(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			if i == 0 || s[i-1] == '$' {
				depth++
			}
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// maxFrom bounds the variables that are named as origins of one text.
const maxFrom = 4

// variable gives the value of what stands between the braces.
func (x *filler) variable(s string, depth int) (value, why string) {
	n := nameLen(s)
	if n == 0 {
		return "", "a variable without a name"
	}
	name, rest := s[:n], s[n:]
	colon := strings.HasPrefix(rest, ":")
	rest = strings.TrimPrefix(rest, ":")
	if a, ok := x.vars[name]; ok {
		if len(x.from) < maxFrom {
			x.from = append(x.from, a.at)
		}
		filled := a.value != "" || !colon
		switch {
		case a.open:
			return "", "the variable " + yamltree.Clean(name) + ", which is made of others"
		case strings.HasPrefix(rest, "+") && filled:
			return x.expand(rest[1:], depth+1)
		case strings.HasPrefix(rest, "+"):
			return "", ""
		case filled && (rest == "" && !colon || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "?")):
			return a.value, ""
		}
	}
	if strings.HasPrefix(rest, "-") {
		return x.expand(rest[1:], depth+1)
	}
	if rest == "" && !colon || strings.HasPrefix(rest, "?") || strings.HasPrefix(rest, "+") {
		return "", noDefault(name)
	}
	return "", "the variable " + yamltree.Clean(name) + ", which is written in a form that Compose does not know"
}

func noDefault(name string) string {
	return "the variable " + yamltree.Clean(name) + ", which has no default in the file"
}

func nameLen(s string) int {
	i := 0
	for i < len(s) && (s[i] == '_' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || i > 0 && s[i] >= '0' && s[i] <= '9') {
		i++
	}
	return i
}
