package helm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"
)

// How the values of charts go over each other, and which dependencies take part:
// Helm's rules, held against Helm itself in the tests. Helm's own code for it
// brings the types of every API of Kubernetes along.

const globalKey = "global"

// table is a map of values.
type table = map[string]any

// Values are the values as templates see them.
type Values map[string]any

// AsMap gives them as a plain map.
func (v Values) AsMap() map[string]any {
	if len(v) == 0 {
		return table{}
	}
	return v
}

// YAML gives them as YAML.
func (v Values) YAML() (string, error) {
	s := toYAML(v.AsMap())
	if s == "" {
		return "", fmt.Errorf("the values cannot be written as YAML")
	}
	return s + "\n", nil
}

// copied is a deep copy of a value.
func copied(v any) any {
	switch v := v.(type) {
	case table:
		out := make(table, len(v))
		for k, x := range v {
			out[k] = copied(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = copied(x)
		}
		return out
	}
	return v
}

// coalesce gives the values of a chart and of those below it, with the given
// ones on top.
func coalesce(c *chart.Chart, given table) (table, error) {
	out, _ := copied(given).(table)
	if out == nil {
		out = table{}
	}
	return out, coalesceInto(c, out)
}

func coalesceInto(c *chart.Chart, values table) error {
	own, _ := copied(c.Values).(table)
	for key, v := range own {
		set, ok := values[key]
		switch below, isTable := set.(table); {
		case !ok:
			values[key] = v
		case set == nil:
			delete(values, key) // null takes a default away
		case isTable:
			if from, ok := v.(table); ok {
				// What is for a chart below keeps its nulls until that chart's turn.
				isChart := slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == key })
				layUnder(below, from, isChart)
			}
		}
	}
	for _, d := range c.Dependencies() {
		v, ok := values[d.Name()]
		if !ok {
			v = table{}
			values[d.Name()] = v
		}
		below, ok := v.(table)
		if !ok {
			return fmt.Errorf("the values for the chart %s are no map", d.Name())
		}
		handDown(below, values)
		if err := coalesceInto(d, below); err != nil {
			return err
		}
	}
	return nil
}

// layUnder adds to a table what another one has and it has not. Where it says
// null the key is gone, unless nulls are kept. As with Helm, the null reaches the
// table below too, which others may look at later.
func layUnder(top, under table, keep bool) {
	said := map[string]bool{}
	for key, v := range under {
		said[key] = v != nil
	}
	for key, v := range top {
		if v == nil {
			under[key] = nil
		}
	}
	for key, v := range under {
		set, ok := top[key]
		if !ok {
			top[key] = v
			continue
		}
		if set == nil {
			if !keep && said[key] {
				delete(top, key)
			}
			continue
		}
		if a, ok := set.(table); ok {
			if b, ok := v.(table); ok {
				layUnder(a, b, keep)
			}
		}
	}
}

// handDown gives the global values to a chart below.
func handDown(below, above table) {
	to, ok := below[globalKey].(table)
	if !ok {
		if _, other := below[globalKey]; other {
			return
		}
		to = table{}
	}
	from, ok := above[globalKey].(table)
	if _, other := above[globalKey]; other && !ok {
		return
	}
	for key, v := range from {
		set, has := to[key]
		own, isTable := set.(table)
		if t, ok := v.(table); ok {
			merged := make(table, len(t))
			for k, x := range t {
				merged[k] = x
			}
			if has && !isTable {
				continue
			}
			if has {
				layUnder(merged, own, true)
			}
			to[key] = merged
			continue
		}
		if !isTable {
			to[key] = v
		}
	}
	below[globalKey] = to
}

// resolve works out which dependencies take part, under which names, and what is
// imported from their values.
func resolve(c *chart.Chart, given table) error {
	if err := enable(c, given, nil); err != nil {
		return err
	}
	return importValues(c)
}

// fits reports whether a chart's version is one that is asked for.
func fits(wanted, version string) bool {
	constraint, err := semver.NewConstraint(wanted)
	if err != nil {
		return false
	}
	v, err := semver.NewVersion(version)
	return err == nil && constraint.Check(v)
}

// enable leaves those dependencies that conditions and tags let take part, and
// gives them their aliases. under is the way to the chart's values.
func enable(c *chart.Chart, given table, under []string) error {
	wanted := c.Metadata.Dependencies
	if wanted == nil {
		return nil
	}
	var parts []*chart.Chart
	for _, d := range c.Dependencies() {
		if !slices.ContainsFunc(wanted, func(w *chart.Dependency) bool {
			return w != nil && w.Name == d.Name() && fits(w.Version, d.Metadata.Version)
		}) {
			parts = append(parts, d)
		}
	}
	for _, w := range wanted {
		if w == nil {
			continue
		}
		i := slices.IndexFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == w.Name && fits(w.Version, d.Metadata.Version) })
		if i >= 0 {
			as, about := *c.Dependencies()[i], *c.Dependencies()[i].Metadata
			if w.Alias != "" {
				about.Name = w.Alias
			}
			as.Metadata = &about
			parts = append(parts, &as)
		}
		if w.Alias != "" {
			w.Name = w.Alias
		}
	}
	c.SetDependencies(parts...)
	values, err := coalesce(c, given)
	if err != nil {
		return err
	}
	off := map[string]bool{}
	for _, w := range wanted {
		if w != nil {
			if w.Enabled = enabled(w, values, under); !w.Enabled {
				off[w.Name] = true
			}
		}
	}
	c.SetDependencies(slices.DeleteFunc(parts, func(d *chart.Chart) bool { return off[d.Name()] })...)
	c.Metadata.Dependencies = slices.DeleteFunc(slices.Clone(wanted), func(w *chart.Dependency) bool { return w == nil || off[w.Name] })
	for _, d := range c.Dependencies() {
		if err := enable(d, values, append(slices.Clip(under), d.Name())); err != nil {
			return err
		}
	}
	return nil
}

// enabled reports whether a dependency takes part: the first condition that is
// set decides, else its tags.
func enabled(w *chart.Dependency, values table, under []string) bool {
	for _, condition := range strings.Split(strings.TrimSpace(w.Condition), ",") {
		if condition == "" {
			continue
		}
		if on, ok := lookUp(values, append(slices.Clip(under), strings.Split(condition, ".")...)).(bool); ok {
			return on
		}
	}
	tags, _ := values["tags"].(table)
	on, off := false, false
	for _, tag := range w.Tags {
		if set, ok := tags[tag].(bool); ok {
			on, off = on || set, off || !set
		}
	}
	return on || !off
}

func lookUp(v any, way []string) any {
	for _, name := range way {
		t, ok := v.(table)
		if !ok {
			return nil
		}
		v = t[name]
	}
	return v
}

// importValues takes what dependencies export into the values of the chart that
// asks for it, under what the chart itself says; the deepest first.
func importValues(c *chart.Chart) error {
	for _, d := range c.Dependencies() {
		if err := importValues(d); err != nil {
			return err
		}
	}
	if len(c.Metadata.Dependencies) == 0 {
		return nil
	}
	values, err := coalesce(c, nil)
	if err != nil {
		return err
	}
	imported := table{}
	for _, w := range c.Metadata.Dependencies {
		for _, one := range w.ImportValues {
			child, parent := "", "."
			switch x := one.(type) {
			case string:
				child = "exports." + x
			case table:
				child, parent = fmt.Sprint(x["child"]), fmt.Sprint(x["parent"])
			default:
				continue
			}
			found, ok := lookUp(values, append([]string{w.Name}, strings.Split(child, ".")...)).(table)
			if !ok {
				continue
			}
			if parent != "." {
				way := strings.Split(parent, ".")
				for i := len(way) - 1; i >= 0; i-- {
					found = table{way[i]: found}
				}
			}
			layUnder(imported, found, false)
		}
	}
	c.Values = withoutNulls(values)
	layUnder(c.Values, imported, false)
	return nil
}

// withoutNulls is a copy of a table without the keys that say null.
func withoutNulls(t table) table {
	out := make(table, len(t))
	for k, v := range t {
		switch x := v.(type) {
		case nil:
		case table:
			out[k] = withoutNulls(x)
		default:
			out[k] = copied(v)
		}
	}
	return out
}
