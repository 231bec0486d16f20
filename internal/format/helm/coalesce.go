package helm

import (
	"errors"
	"fmt"
	"reflect"
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
// ones on top. A null takes a default away; with keep it stays, for a later
// turn.
func coalesce(c *chart.Chart, given table, keep bool) (table, error) {
	out, _ := copied(given).(table)
	if out == nil {
		out = table{}
	}
	return out, coalesceInto(c, out, keep)
}

func coalesceInto(c *chart.Chart, values table, keep bool) error {
	own, _ := copied(c.Values).(table)
	for key, v := range own {
		set, ok := values[key]
		switch below, isTable := set.(table); {
		case !ok:
			values[key] = v
		case set == nil && !keep:
			delete(values, key)
		case isTable:
			if from, ok := v.(table); ok {
				// What is for a chart below keeps its nulls until that chart's turn.
				isChart := slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == key })
				layUnder(below, from, keep || isChart)
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
		if err := coalesceInto(d, below, keep); err != nil {
			return err
		}
	}
	return nil
}

// layUnder adds to a table what another one has and it has not. Where it says
// null the key is gone, unless nulls are kept. As with Helm, the null reaches the
// table below too, which others may look at later.
func layUnder(top, under table, keep bool) {
	left := maxLayers
	layer(top, under, keep, &left)
}

// maxLayers bounds how many tables are laid over each other at once. Those that
// hold themselves, which import-values can make, have no end.
const maxLayers = 1 << 18

func layer(top, under table, keep bool, left *int) {
	if *left--; *left < 0 {
		return
	}
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
				layer(a, b, keep, left)
			}
		}
	}
}

// errEndless is what becomes of a chart that imports values into themselves. Helm
// does not end on one.
var errEndless = errors.New("its import-values put a table into itself")

// endless reports whether a table holds itself. seen are those that were looked
// into: true while they are.
func endless(t table, seen map[uintptr]bool) bool {
	at := reflect.ValueOf(t).Pointer()
	if within, ok := seen[at]; ok {
		return within
	}
	seen[at] = true
	for _, v := range t {
		if below, ok := v.(table); ok && below != nil && endless(below, seen) {
			return true
		}
	}
	seen[at] = false
	return false
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
	values, err := coalesce(c, given, false)
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
	c.Metadata.Dependencies = nil
	for _, w := range wanted {
		if w != nil && !off[w.Name] {
			c.Metadata.Dependencies = append(c.Metadata.Dependencies, w)
		}
	}
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
	if c.Metadata.Dependencies == nil {
		return nil
	}
	values, err := coalesce(c, nil, true)
	if err != nil {
		return err
	}
	imported := table{}
	for _, w := range c.Metadata.Dependencies {
		if w == nil {
			continue
		}
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
			found, ok := lookUp(values, strings.Split(w.Name+"."+child, ".")).(table)
			if !ok {
				continue
			}
			if len(found) == 0 {
				found = table{} // what is laid over it later does not reach the chart below
			}
			if parent != "." {
				way := strings.Split(parent, ".")
				for i := len(way) - 1; i >= 0; i-- {
					found = table{way[i]: found}
				}
			}
			layUnder(imported, found, true)
			if seen := map[uintptr]bool{}; endless(imported, seen) || endless(values, seen) {
				return errEndless
			}
		}
		w.ImportValues = nil // once: as with Helm, a chart that is there by two names shares them
	}
	own, _ := copied(values).(table) // what was imported may hold tables of values
	layUnder(own, imported, true)
	c.Values = own
	return nil
}
