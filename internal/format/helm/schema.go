package helm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Helm holds the values of a chart, and of those below it, against the
// values.schema.json that each brings, and renders nothing where they do not fit.

// schemaFile is a chart's schema.
const schemaFile = "values.schema.json"

// maxViolations bounds how many violations of one schema are named.
const maxViolations = 8

// elsewhere stands for every document that a schema refers to outside of itself:
// nothing is fetched, and what such a part asks for is not known.
type elsewhere struct{}

func (elsewhere) Load(string) (any, error) { return true, nil }

// fit holds values against the schemas of the charts, and names what does not
// fit. It gives false where the chart cannot be released: a value that is not as
// the schema wants it. One that is missing may yet be given.
func (r *release) fit(c *chart.Chart, values table, chain []*node, names []string) bool {
	n := r.l.nodes[c.Raw[0]]
	chain, names = append(slices.Clip(chain), n), append(slices.Clip(names), c.Name())
	ok := true
	if c.Schema != nil {
		ok = r.fitOne(&tpl{node: n, chain: chain, names: names}, c.Schema, values)
	}
	for _, d := range c.Dependencies() {
		if below, is := values[d.Name()].(table); is {
			ok = r.fit(d, below, chain, names) && ok
		}
	}
	return ok
}

func (r *release) fitOne(t *tpl, schema []byte, values table) (ok bool) {
	place := t.node.packed
	if place == "" {
		place = join(t.node.dir, schemaFile)
	}
	unusable := func(why string) bool {
		r.l.fail(source.LevelWarning, place, 0, place, "the values are not held against %s: %s", schemaFile, why)
		return true
	}
	defer func() {
		if p := recover(); p != nil { // the library was given what it cannot take
			ok = unusable("it cannot be used")
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return unusable("it is no JSON")
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(elsewhere{})
	const url = "file:///" + schemaFile
	if err := c.AddResource(url, doc); err != nil {
		return unusable("it is no schema")
	}
	s, err := c.Compile(url)
	if err != nil {
		return unusable("it is no schema")
	}
	var wrong *jsonschema.ValidationError
	if err := s.Validate(values); !errors.As(err, &wrong) {
		return true
	}
	ok = true
	for i, v := range leaves(wrong, nil) {
		_, missing := v.ErrorKind.(*kind.Required)
		ok = ok && missing
		if i >= maxViolations {
			continue
		}
		r.violation(t, place, v, missing)
	}
	return ok
}

// violation names one violation, where the value is set.
func (r *release) violation(t *tpl, schema string, v *jsonschema.ValidationError, missing bool) {
	file, line := join(t.node.dir, "values.yaml"), 0
	if t.node.packed != "" {
		file = t.node.packed
	}
	if n := r.settings.nearest(t, v.InstanceLocation); n != nil {
		at := placeOf(n)
		file, line = at.File, at.Start.Line
	} else if k := len(r.l.unit.Inputs); k > 0 {
		file = r.l.unit.Inputs[k-1]
	}
	key := yamltree.Clean(strings.Join(append(slices.Clone(t.names[1:]), v.InstanceLocation...), "."))
	what := key
	if key == "" {
		what = "what they hold"
	}
	so := "so Helm releases nothing of it"
	if missing {
		so = "so it is evaluated without"
	}
	r.l.fail(source.LevelWarning, file, line, r.l.unit.Dir, "%s does not fit %s%s, %s: %s", what, schema, r.l.variant(), so, because(v))
}

// because says what is wrong with a value, without the value where that is a text.
func because(v *jsonschema.ValidationError) string {
	switch k := v.ErrorKind.(type) {
	case *kind.Pattern:
		return yamltree.Clean("it does not match " + k.Want)
	case *kind.Format:
		return yamltree.Clean("it is no " + k.Want)
	}
	text := v.Error()
	text = text[strings.LastIndexByte(text, '\n')+1:]
	if _, why, ok := strings.Cut(strings.TrimPrefix(text, "- "), "': "); ok {
		text = why
	}
	return yamltree.Clean(strings.Join(strings.Fields(text), " "))
}

// leaves are the violations that no other explains.
func leaves(v *jsonschema.ValidationError, out []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(v.Causes) == 0 {
		return append(out, v)
	}
	for _, c := range v.Causes {
		out = leaves(c, out)
	}
	return out
}

// nearest gives the node of a values file that decides a setting of a chart, or
// the nearest one above it; nil where no file says anything of it.
func (s *settings) nearest(t *tpl, way []string) *resource.Node {
	for k := len(way); k > 0; k-- {
		if n := s.find(t, ref(way[:k]), nil, ""); n != nil {
			return n
		}
	}
	return nil
}

var errUnfit = fmt.Errorf("its values do not fit its %s", schemaFile)
