package fix

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// templateWriter edits a template of CloudFormation. What a function gives is
// edited where it comes from: the default of a parameter, a mapping, a branch.
type templateWriter struct {
	files Files
	edits []source.Edit
	far   bool // something is edited where its value comes from
}

func proposeTemplate(f *source.File, files Files, res *resource.Resource, p *patch) (edits []source.Edit, far bool, err error) {
	w := &templateWriter{files: files}
	here, err := w.apply(res.Root, p)
	if err != nil {
		return nil, false, err
	}
	if !here.trivial() {
		if edits, err = proposeYAML(f, res, here); err != nil {
			return nil, false, err
		}
	}
	return append(edits, w.edits...), w.far, nil
}

// apply carries out what p says of scalars that a function gives, and gives what
// is left.
func (w *templateWriter) apply(n *resource.Node, p *patch) (*patch, error) {
	if n == nil || p.set != nil || p.del || len(p.add) > 0 {
		return p, nil
	}
	left := &patch{}
	for _, k := range p.kids {
		child := childOf(n, k.step)
		if child != nil && k.p.set != nil && !k.p.set.composite() && len(child.Origins) > 0 {
			if f := w.files(child.Range.File); f != nil && function(child, f.Text(child.Range)) {
				if !child.Unknown && plain(*k.p.set) == fmt.Sprint(child.Value) {
					continue // it gives this, as a text
				}
				if err := w.through(child, *k.p.set); err != nil {
					return nil, err
				}
				w.far = true
				continue
			}
		}
		below, err := w.apply(child, k.p)
		if err != nil {
			return nil, err
		}
		left.kids = append(left.kids, kid{k.step, below})
	}
	return left, nil
}

// through replaces the literal that the value of n comes from.
func (w *templateWriter) through(n *resource.Node, v value) error {
	if n.Unknown {
		return fmt.Errorf("the value is not known in full (%s)", n.Why)
	}
	for _, at := range slices.Backward(n.Origins) {
		f := w.files(at.File)
		if f == nil {
			continue
		}
		text := f.Text(at)
		var old yaml.Node
		if yaml.Unmarshal([]byte(text), &old) != nil || len(old.Content) != 1 || old.Content[0].Kind != yaml.ScalarNode || !strings.HasPrefix(old.Content[0].Tag, "!!") ||
			strings.ContainsAny(text, "\n&") || !strings.EqualFold(old.Content[0].Value, fmt.Sprint(n.Value)) {
			continue
		}
		put := v
		var quote byte
		if text[0] == '"' || text[0] == '\'' {
			quote = text[0]
			put = value{kind: resource.String, scalar: plain(v)}
		}
		if plain(v) == old.Content[0].Value {
			return errors.New("the source already says what the fix would write")
		}
		if err := permitted(f, at, old.Content[0].Value, plain(v)); err != nil {
			return err
		}
		writer := &yamlWriter{f: f, eol: f.EOL(), json: isJSON(f.Path) || strings.HasPrefix(strings.TrimSpace(string(f.Data)), "{"), quote: '"'}
		w.edits = append(w.edits, source.Edit{Range: at, New: writer.inline(put, quote, true)})
		return nil
	}
	return errFunction
}

// permitted holds a new default against what the parameter allows.
func permitted(f *source.File, at source.Range, old, now string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(f.Data, &doc); err != nil || len(doc.Content) != 1 {
		return errFunction
	}
	parameters := field(doc.Content[0], "Parameters")
	if parameters == nil || parameters.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(parameters.Content); i += 2 {
		name, p := parameters.Content[i].Value, parameters.Content[i+1]
		if d := field(p, "Default"); d == nil || d.Line != at.Start.Line || d.Value != old {
			continue
		}
		for _, bound := range []string{"AllowedPattern", "MinValue", "MaxValue", "MinLength", "MaxLength"} {
			if field(p, bound) != nil {
				return fmt.Errorf("the value is bound by %s of %s", bound, name)
			}
		}
		if allowed := field(p, "AllowedValues"); allowed != nil && !slices.ContainsFunc(allowed.Content, func(a *yaml.Node) bool { return a.Value == now }) {
			return fmt.Errorf("%s does not allow %s", name, now)
		}
	}
	return nil
}

// field gives what a mapping has under a name, or nil.
func field(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}
