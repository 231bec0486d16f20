package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
)

// doubt is what could not be judged for one reason: the rules, and the
// resources that each of them leaves open.
type doubt struct {
	rules []string
	ids   []string
	why   string
	first engine.NotEvaluated
}

// doubts puts together what has the same reason and the same resources, in the
// order of the report.
func doubts(r *Report) []doubt {
	type key struct{ rule, why string }
	byRule := map[key]*doubt{}
	var order []*doubt
	for _, u := range r.Unknown {
		k := key{u.Rule.ID, u.Why}
		d := byRule[k]
		if d == nil {
			d = &doubt{rules: []string{k.rule}, why: k.why, first: u}
			byRule[k] = d
			order = append(order, d)
		}
		if n := len(d.ids); n == 0 || d.ids[n-1] != u.Resource.ID {
			d.ids = append(d.ids, u.Resource.ID)
		}
	}
	merged := map[string]int{}
	var out []doubt
	for _, d := range order {
		slices.Sort(d.ids)
		d.ids = slices.Compact(d.ids)
		k := d.why + "\x00" + strings.Join(d.ids, "\x00")
		if i, ok := merged[k]; ok {
			out[i].rules = append(out[i].rules, d.rules...)
			continue
		}
		merged[k] = len(out)
		out = append(out, *d)
	}
	return out
}

// named gives the first names of a list, each written by code, and counts the
// rest.
func named(names []string, most int, code func(string) string) string {
	out := make([]string, 0, most)
	for _, s := range names[:min(most, len(names))] {
		out = append(out, code(s))
	}
	s := strings.Join(out, ", ")
	if n := len(names) - most; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// say writes a doubt, with the names written by code.
func (d doubt) say(code func(string) string) string {
	s := named(d.rules, 3, code) + " on " + named(d.ids, 1, code)
	if d.why != "" {
		s += ": depends on " + code(d.why)
	}
	return s
}
