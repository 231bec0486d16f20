package fix

import (
	"errors"
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// translate gives the patch of the resource as it was written that comes to
// the same as p on the projected tree root. Maps are taken apart into their
// settings, since each may be written under another name or elsewhere.
func (p *patch) translate(root *resource.Node, w *resource.Written) (*patch, error) {
	t := &translation{root: root, written: w, out: &patch{}}
	if err := t.patch(nil, root, p); err != nil {
		return nil, err
	}
	return t.out, nil
}

type translation struct {
	root    *resource.Node
	written *resource.Written
	out     *patch
}

// place gives the patch of the written tree for a path of the projected one.
func (t *translation) place(at resource.Path) (*patch, error) {
	path, err := t.written.Path(at)
	if err != nil {
		return nil, err
	}
	p := t.out
	for _, s := range path {
		p = p.child(s)
	}
	return p, t.along(at)
}

// along says what goes along with the objects that are made on the way to at.
func (t *translation) along(at resource.Path) error {
	if t.written.Along == nil {
		return nil
	}
	_, there := at.At(t.root)
	for i := there + 1; i < len(at); i++ {
		for _, f := range t.written.Along(at[:i]) {
			path, err := t.written.Path(below(at[:i], resource.Step{Name: f.Name}))
			if err != nil {
				return err
			}
			p := t.out
			for _, s := range path {
				p = p.child(s)
			}
			if p.trivial() {
				p.set = &value{kind: f.Node.Kind, scalar: f.Node.Value}
			}
		}
	}
	return nil
}

// rewrite writes a scalar in the form's own terms, where those are others.
func (t *translation) rewrite(at resource.Path, add bool, v value) (done bool, err error) {
	if t.written.Rewrite == nil || v.composite() {
		return false, nil
	}
	writes, err := t.written.Rewrite(at, add, &resource.Node{Kind: v.kind, Value: v.scalar})
	if err != nil || len(writes) == 0 {
		return false, err
	}
	for _, w := range writes {
		p := t.out
		for _, s := range w.Path {
			p = p.child(s)
		}
		v := value{kind: w.Value.Kind, scalar: w.Value.Value}
		if w.Add {
			p.add = append(p.add, v)
		} else {
			p.set = &v
		}
	}
	return true, t.along(at)
}

func (t *translation) patch(at resource.Path, n *resource.Node, p *patch) error {
	switch {
	case p.trivial():
		return nil
	case p.del:
		return t.del(at)
	case p.set != nil:
		return t.set(at, n, *p.set)
	}
	if err := t.add(at, n, p.add); err != nil {
		return err
	}
	for _, k := range p.kids {
		if err := t.patch(below(at, k.step), child(n, k.step), k.p); err != nil {
			return err
		}
	}
	return nil
}

func below(at resource.Path, s resource.Step) resource.Path { return append(slices.Clip(at), s) }

func child(n *resource.Node, s resource.Step) *resource.Node {
	c, steps := resource.Path{s}.At(n)
	if steps == 0 {
		return nil
	}
	return c
}

func (t *translation) del(at resource.Path) error {
	p, err := t.place(at)
	if err != nil {
		return err
	}
	p.del = true
	return nil
}

func (t *translation) set(at resource.Path, n *resource.Node, v value) error {
	maps := v.kind == resource.List && slices.ContainsFunc(v.items, func(it value) bool { return it.composite() })
	switch {
	case maps && n != nil:
		return errors.New("the list is not replaced as a whole")
	case maps:
		return t.add(at, nil, v.items)
	case v.kind == resource.Map && !v.empty():
		for _, e := range v.fields {
			if err := t.set(below(at, resource.Step{Name: e.name}), n.Get(e.name), e.val); err != nil {
				return err
			}
		}
		if n == nil || n.Kind != resource.Map {
			return nil
		}
		for _, f := range n.Fields {
			if !slices.ContainsFunc(v.fields, func(e entry) bool { return e.name == f.Name }) {
				if err := t.del(below(at, resource.Step{Name: f.Name})); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if says(n, v) {
		return nil
	}
	if done, err := t.rewrite(at, false, v); done || err != nil {
		return err
	}
	p, err := t.place(at)
	if err != nil {
		return err
	}
	p.set = &v
	return nil
}

func (t *translation) add(at resource.Path, n *resource.Node, items []value) error {
	next := 0
	if n != nil {
		next = len(n.Items)
	}
	for _, it := range items {
		if it.kind == resource.Map {
			if err := t.set(below(at, resource.Step{Index: next}), nil, it); err != nil {
				return err
			}
			next++
			continue
		}
		if done, err := t.rewrite(at, true, it); err != nil {
			return err
		} else if done {
			continue
		}
		p, err := t.place(at)
		if err != nil {
			return err
		}
		p.add = append(p.add, it)
	}
	return nil
}
