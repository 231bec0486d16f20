package fix

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format/component"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// flagsOf is the selection whose items are put together from how flags are
// written; fixes of its checks speak about flags.NAME.
const flagsOf = "components"

// proposeFlags edits the flags of a component: set gives a flag a value and adds
// it where it is missing, append and delete with an item ("[…]") change a list
// with commas, delete takes a flag away.
func proposeFlags(f *source.File, found engine.Finding, spec *rule.FixSpec) ([]source.Edit, error) {
	var c *component.Component
	all := component.Of(found.Resource)
	for i := range all {
		if slices.Equal(all[i].Path, found.Item) && (c == nil || flagAt(&all[i], found.Range)) {
			c = &all[i]
		}
	}
	if c == nil {
		return nil, errors.New("the component is not there any more")
	}
	w := &flagWriter{f: f, res: found.Resource, c: c, root: &patch{}}
	for _, s := range spec.Set {
		v, err := toValue(s.Value)
		if err != nil {
			return nil, err
		}
		if err := w.set(s.Path, plain(v)); err != nil {
			return nil, err
		}
	}
	for _, s := range spec.Append {
		v, err := toValue(s.Value)
		if err != nil {
			return nil, err
		}
		items := []value{v}
		if v.kind == resource.List {
			items = v.items
		}
		if err := w.addItems(s.Path, items); err != nil {
			return nil, err
		}
	}
	for _, p := range spec.Delete {
		if err := w.remove(p); err != nil {
			return nil, err
		}
	}
	edits := w.edits
	if !w.root.trivial() {
		w.swap()
		res, top := found.Resource, w.root
		if c.Style == component.Settings {
			// The document is a part of a text; its nodes know where they stand.
			const document = 3 // configs, its index, document
			n, taken := c.Path[:document].At(res.Root)
			if taken != document {
				return nil, errNotWritten
			}
			for _, s := range c.Path[:document] {
				top = top.child(s)
			}
			part := *res
			part.Root = n
			res = &part
		}
		more, err := proposeYAML(f, res, top)
		if err != nil {
			return nil, err
		}
		edits = append(edits, more...)
	}
	if len(edits) == 0 {
		return nil, errors.New("the source already says what the fix would write")
	}
	return edits, nil
}

// swap puts a flag that is added in the place of one that goes, since a list is
// not added to and taken from at once.
func (w *flagWriter) swap() {
	if w.c.List == nil {
		return
	}
	p := w.at(w.c.List)
	for _, k := range p.kids {
		if len(p.add) > 0 && k.p.del {
			v := p.add[0]
			k.p.del, k.p.set, p.add = false, &v, p.add[1:]
		}
	}
}

func flagAt(c *component.Component, r source.Range) bool {
	for _, fl := range c.Flags {
		if fl.Value.Range == r || fl.Whole.Contains(r) {
			return true
		}
	}
	return false
}

// flagWriter edits the flags of one component.
type flagWriter struct {
	f     *source.File
	res   *resource.Resource
	c     *component.Component
	root  *patch // what is left to the writer of YAML
	edits []source.Edit
}

// flag takes the path of an operation apart: the name of a flag and, behind it,
// an item of its list.
func (w *flagWriter) flag(p string) (name, item string, at *component.Flag, err error) {
	steps, err := parsePath(p)
	if err != nil {
		return "", "", nil, err
	}
	if len(steps) < 2 || len(steps) > 3 || steps[0].name != "flags" || steps[1].kind != byName {
		return "", "", nil, fmt.Errorf("%s is not the path of a flag", p)
	}
	name = steps[1].name
	if len(steps) == 3 {
		item = steps[2].name
	}
	for i := range w.c.Flags {
		if w.c.Flags[i].Name == name {
			at = &w.c.Flags[i] // the last one counts
		}
	}
	return name, item, at, nil
}

// at gives the patch of a place below the root.
func (w *flagWriter) at(p resource.Path) *patch {
	out := w.root
	for _, s := range p {
		out = out.child(s)
	}
	return out
}

func (w *flagWriter) set(p, text string) error {
	name, _, fl, err := w.flag(p)
	if err != nil {
		return err
	}
	if fl == nil {
		return w.add(name, text)
	}
	return w.replace(fl, text)
}

func (w *flagWriter) replace(fl *component.Flag, text string) error {
	if fl.Value.Unknown {
		return fmt.Errorf("the value is not known (%s)", fl.Value.Why)
	}
	if fl.Value.Str() == text && !fl.Bare {
		return nil
	}
	r := fl.Value.Range
	if fl.Bare {
		r = fl.Whole
	}
	if r.File != w.f.Path || r.Len() == 0 {
		return errNotWritten
	}
	s := w.f.Text(r)
	inner, q := quoted(s)
	start, end := r.Start.Byte, r.End.Byte
	if q != 0 && s != fl.Value.Str() {
		start, end = start+1, end-1
	}
	switch {
	case fl.Bare && strings.TrimLeft(inner, "-") == fl.Name:
		text = inner + "=" + text
	case inner != fl.Value.Str() && s != fl.Value.Str():
		return errNotWritten
	}
	w.edits = append(w.edits, source.Edit{Range: w.f.Range(start, end), New: text})
	return nil
}

// add adds a flag that is missing.
func (w *flagWriter) add(name, text string) error {
	str := func(s string) value { return value{kind: resource.String, scalar: s} }
	if w.c.List == nil || w.c.Style == component.Text {
		return errors.New("the flag is not set here, and where it would be added is a choice")
	}
	p := w.at(w.c.List)
	switch w.c.Style {
	case component.Words:
		p.add = append(p.add, str("--"+name+"="+text))
	case component.Settings:
		p.add = append(p.add, str(name+"="+text))
	case component.Named:
		p.add = append(p.add, value{kind: resource.Map, fields: []entry{{"name", str(name)}, {"value", str(text)}}})
	case component.Fields:
		v := str(text)
		p.child(resource.Step{Name: name}).set = &v
	default:
		return errors.New("the name of the setting is a choice")
	}
	return nil
}

// items are those of a list with commas.
func items(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

func (w *flagWriter) addItems(p string, add []value) error {
	name, _, fl, err := w.flag(p)
	if err != nil {
		return err
	}
	var list []string
	if fl != nil {
		if fl.Value.Kind != resource.String {
			return errNotWritten
		}
		list = items(fl.Value.Str())
	}
	for _, v := range add {
		if s := plain(v); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if fl == nil {
		return w.add(name, strings.Join(list, ","))
	}
	return w.replace(fl, strings.Join(list, ","))
}

func (w *flagWriter) remove(p string) error {
	_, item, fl, err := w.flag(p)
	if err != nil || fl == nil {
		return err
	}
	if item != "" {
		left := slices.DeleteFunc(items(fl.Value.Str()), func(s string) bool { return s == item })
		if len(left) > 0 {
			return w.replace(fl, strings.Join(left, ","))
		}
	}
	if w.c.Style != component.Text {
		if fl.Path == nil {
			return errNotWritten
		}
		w.at(fl.Path).del = true
		return nil
	}
	r := fl.Whole
	if r.File != w.f.Path || r.Len() == 0 || !strings.Contains(w.f.Text(r), fl.Name) {
		return errNotWritten
	}
	cw := &commandWriter{f: w.f}
	start, end := cw.around(r.Start.Byte, r.End.Byte)
	w.edits = append(w.edits, source.Edit{Range: w.f.Range(start, end)})
	return nil
}
