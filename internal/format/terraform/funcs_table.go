package terraform

import (
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// builtins makes the table of functions. What keeps the structure and the
// places of its arguments is our own; the rest is cty's.
func builtins() map[string]builtin {
	m := map[string]builtin{
		"abs":             foreign(stdlib.AbsoluteFunc, nil),
		"ceil":            foreign(stdlib.CeilFunc, nil),
		"chomp":           foreign(stdlib.ChompFunc, nil),
		"chunklist":       foreign(stdlib.ChunklistFunc, nil),
		"csvdecode":       foreign(stdlib.CSVDecodeFunc, shortText(1<<16)),
		"floor":           foreign(stdlib.FloorFunc, nil),
		"format":          knowing(foreign(stdlib.FormatFunc, narrowVerbs), formatParts),
		"formatdate":      foreign(stdlib.FormatDateFunc, nil),
		"formatlist":      foreign(stdlib.FormatListFunc, narrowVerbs),
		"indent":          foreign(stdlib.IndentFunc, narrowIndent),
		"join":            knowing(foreign(stdlib.JoinFunc, shortJoin), joinParts),
		"log":             foreign(stdlib.LogFunc, nil),
		"lower":           knowing(foreign(stdlib.LowerFunc, nil), mapParts(strings.ToLower)),
		"max":             foreign(stdlib.MaxFunc, nil),
		"min":             foreign(stdlib.MinFunc, nil),
		"parseint":        foreign(stdlib.ParseIntFunc, shortText(maxNumber)),
		"pow":             foreign(stdlib.PowFunc, nil),
		"range":           foreign(stdlib.RangeFunc, nil),
		"regex":           foreign(stdlib.RegexFunc, smallPattern),
		"regexall":        foreign(stdlib.RegexAllFunc, smallPattern),
		"setintersection": foreign(stdlib.SetIntersectionFunc, nil),
		"setproduct":      foreign(stdlib.SetProductFunc, smallProduct),
		"setsubtract":     foreign(stdlib.SetSubtractFunc, nil),
		"signum":          foreign(stdlib.SignumFunc, nil),
		"sort":            foreign(stdlib.SortFunc, nil),
		"split":           foreign(stdlib.SplitFunc, shortText(1<<18)),
		"strrev":          foreign(stdlib.ReverseFunc, nil),
		"substr":          foreign(stdlib.SubstrFunc, nil),
		"timeadd":         foreign(stdlib.TimeAddFunc, nil),
		"title":           foreign(stdlib.TitleFunc, nil),
		"trim":            foreign(stdlib.TrimFunc, nil),
		"trimprefix":      foreign(stdlib.TrimPrefixFunc, nil),
		"trimspace":       foreign(stdlib.TrimSpaceFunc, nil),
		"trimsuffix":      foreign(stdlib.TrimSuffixFunc, nil),
		"upper":           knowing(foreign(stdlib.UpperFunc, nil), mapParts(strings.ToUpper)),
	}
	for _, name := range []string{
		"abspath", "bcrypt", "convert", "pathexpand", "plantimestamp", "rsadecrypt", "timestamp", "type", "uuid",
	} {
		m[name] = undecidable(name)
	}
	for _, table := range []map[string]builtin{collectionFuncs(), textFuncs(), fileFuncs(), netFuncs(), moreFuncs()} {
		maps.Copy(m, table)
	}
	return m
}

func shortText(limit int) func(*call) string {
	return func(c *call) string {
		for _, a := range c.args {
			if b := a.base(); b.kind == text && len(b.str) > limit {
				return "an argument is too long"
			}
		}
		return ""
	}
}

var wideVerb = regexp.MustCompile(`%[^a-zA-Z%]*[0-9]{5}`)

// narrowVerbs refuses formats that pad to tens of thousands of characters.
func narrowVerbs(c *call) string {
	total := 0
	for i, a := range c.args {
		b := a.base()
		if i == 0 && b.kind == text && wideVerb.MatchString(b.str) {
			return "a width is out of bounds"
		}
		measureAll(a, &total)
	}
	if total*max(1, c.args[0].base().verbs()) > maxText {
		return "the arguments are too long"
	}
	return ""
}

// verbs counts the verbs of a format, each of which may repeat an argument.
func (v *val) verbs() int {
	n := 0
	for i := range len(v.str) {
		if v.str[i] == '%' {
			n++
		}
	}
	return n
}

// measureAll adds up the text in a value through references.
func measureAll(v *val, n *int) {
	b := v.base()
	*n += len(b.str)
	for _, it := range b.items {
		measureAll(it, n)
	}
	for _, f := range b.fields {
		measureAll(f.v, n)
	}
}

func narrowIndent(c *call) string {
	if len(c.args) != 2 {
		return ""
	}
	n, ok := c.args[0].asInt()
	lines := 1
	for _, r := range c.args[1].base().str {
		if r == '\n' {
			lines++
		}
	}
	if ok && (n < 0 || n > 1000 || n*lines > maxText) {
		return "the text would be too long"
	}
	return ""
}

func shortJoin(c *call) string {
	total, count := 0, 0
	for _, a := range c.args[1:] {
		measureAll(a, &total)
		count += a.size
	}
	if total+count*len(c.args[0].base().str) > maxText {
		return "the text would be too long"
	}
	return ""
}

// smallPattern bounds what a regular expression may cost: its size times the
// length of the text.
func smallPattern(c *call) string {
	p, s := c.args[0].base(), c.args[1].base()
	if len(p.str) > 1000 || repeats(p.str) > 1000 || len(s.str) > 1<<16 {
		return "the pattern or the text is too long"
	}
	if !c.e.u.spend(len(p.str) * len(s.str) / 256) {
		return "it takes too long"
	}
	return ""
}

var repetition = regexp.MustCompile(`\{([0-9]+)`)

// repeats multiplies the counted repetitions of a pattern, as the compiled
// pattern does where they are nested.
func repeats(p string) int {
	n := 1
	for _, m := range repetition.FindAllStringSubmatch(p, 16) {
		k, err := strconv.Atoi(m[1])
		if err != nil || k > 1000 {
			return 1 << 20
		}
		if n *= max(1, k); n > 1<<20 {
			return n
		}
	}
	return n
}

func smallProduct(c *call) string {
	n := 1
	for _, a := range c.args {
		n *= max(1, len(a.base().items))
		if n > 10_000 {
			return "the product is too large"
		}
	}
	return ""
}
