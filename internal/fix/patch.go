package fix

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// step is one step of an operation's path, before it has met the tree.
type step struct {
	name   string
	index  int
	kind   stepKind
	quoted bool
}

type stepKind uint8

const (
	byName stepKind = iota
	byIndex
	every
)

// parsePath reads a path of an operation: names joined by dots, [0], [*], and
// ["a name with dots"]; "." is the selected item itself.
func parsePath(s string) ([]step, error) {
	if s == "." || s == "" {
		return nil, nil
	}
	var out []step
	for i := 0; i < len(s); {
		switch s[i] {
		case '.':
			if i == 0 || i+1 == len(s) || s[i+1] == '.' || s[i+1] == '[' {
				return nil, fmt.Errorf("path %q has a dot without a name", s)
			}
			i++
		case '[':
			rest := s[i+1:]
			if strings.HasPrefix(rest, `"`) {
				q, err := strconv.QuotedPrefix(rest)
				if err != nil {
					return nil, fmt.Errorf("path %q: %w", s, err)
				}
				name, err := strconv.Unquote(q)
				if err != nil || !strings.HasPrefix(rest[len(q):], "]") {
					return nil, fmt.Errorf("path %q has a bracket that is not closed", s)
				}
				out = append(out, step{name: name, quoted: true})
				i += len(q) + 2
				continue
			}
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("path %q has a bracket that is not closed", s)
			}
			if rest[:end] == "*" {
				out = append(out, step{kind: every})
			} else {
				n, err := strconv.Atoi(rest[:end])
				if err != nil || n < 0 {
					return nil, fmt.Errorf("path %q: [%s] is neither an index, a star nor a quoted name", s, rest[:end])
				}
				out = append(out, step{kind: byIndex, index: n})
			}
			i += end + 2
		default:
			end := strings.IndexAny(s[i:], ".[")
			if end < 0 {
				end = len(s) - i
			}
			out = append(out, step{name: s[i : i+end]})
			i += end
		}
	}
	return out, nil
}

// patch is what is to become of one node: the operations of a fix, gathered
// into a tree so that two operations below one missing parent make it once.
type patch struct {
	set  *value
	del  bool
	add  []value // items to append
	kids []kid   // in the order of the operations
}

type kid struct {
	step resource.Step
	p    *patch
}

func (p *patch) child(s resource.Step) *patch {
	for _, k := range p.kids {
		if k.step == s {
			return k.p
		}
	}
	c := &patch{}
	p.kids = append(p.kids, kid{s, c})
	return c
}

func (p *patch) trivial() bool {
	return p.set == nil && !p.del && len(p.add) == 0 && len(p.kids) == 0
}

// plan gathers the operations of spec on item.
func plan(spec *rule.FixSpec, item *resource.Node) (*patch, error) {
	root := &patch{}
	each := func(path string, missing bool, do func(p *patch, n *resource.Node) error) error {
		steps, err := parsePath(path)
		if err != nil {
			return err
		}
		return expand(root, item, steps, missing, do)
	}
	for _, s := range spec.Set {
		v, err := toValue(s.Value)
		if err != nil {
			return nil, fmt.Errorf("set %s: %w", s.Path, err)
		}
		err = each(s.Path, true, func(p *patch, n *resource.Node) error {
			if p.set != nil || p.del || len(p.kids) > 0 || len(p.add) > 0 {
				return fmt.Errorf("two operations speak about %s", s.Path)
			}
			if says(n, v) {
				return nil
			}
			p.set = &v
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, s := range spec.Append {
		v, err := toValue(s.Value)
		if err != nil {
			return nil, fmt.Errorf("append to %s: %w", s.Path, err)
		}
		items := []value{v}
		if v.kind == resource.List {
			items = v.items
		}
		err = each(s.Path, true, func(p *patch, n *resource.Node) error {
			if p.set != nil || p.del {
				return fmt.Errorf("two operations speak about %s", s.Path)
			}
			for _, it := range items {
				if n == nil || !holds(n, it) {
					p.add = append(p.add, it)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, path := range spec.Delete {
		err := each(path, false, func(p *patch, n *resource.Node) error {
			if n == nil {
				return nil
			}
			if p.set != nil || len(p.add) > 0 {
				return fmt.Errorf("two operations speak about %s", path)
			}
			p.del = true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return root, nil
}

// expand follows steps from n and calls do at every place that they mean. With
// missing set, a place that does not exist is made; else it is left out.
func expand(p *patch, n *resource.Node, steps []step, missing bool, do func(*patch, *resource.Node) error) error {
	if len(steps) == 0 {
		return do(p, n)
	}
	s, rest := steps[0], steps[1:]
	if n == nil && !missing {
		return nil
	}
	if n != nil && n.Unknown {
		return fmt.Errorf("the value cannot be known before it is applied (%s)", n.Why)
	}
	isList := n != nil && n.Kind == resource.List
	switch s.kind {
	case every:
		if n == nil {
			return fmt.Errorf("there is no list to go through")
		}
		for i, it := range n.Items {
			if err := expand(p.child(resource.Step{Index: i}), it, rest, missing, do); err != nil {
				return err
			}
		}
		return nil
	case byIndex:
		var c *resource.Node
		if isList && s.index < len(n.Items) {
			c = n.Items[s.index]
		} else if !missing {
			return nil
		} else if s.index > p.items(n) {
			return fmt.Errorf("item %d cannot be made before the items in front of it", s.index)
		}
		return expand(p.child(resource.Step{Index: s.index}), c, rest, missing, do)
	}
	if isList {
		if !s.quoted && len(n.Items) == 1 && n.Items[0].Block {
			// One nested block is spoken to by its name alone.
			return expand(p.child(resource.Step{Index: 0}), n.Items[0], steps, missing, do)
		}
		found := false
		for i, it := range n.Items {
			if it.Str() == s.name && it.Kind == resource.String || it.Get("name").Str() == s.name && s.name != "" {
				found = true
				if err := expand(p.child(resource.Step{Index: i}), it, rest, missing, do); err != nil {
					return err
				}
			}
		}
		if !found && missing {
			return fmt.Errorf("no item of the list is %q", s.name)
		}
		return nil
	}
	return expand(p.child(resource.Step{Name: s.name}), n.Get(s.name), rest, missing, do)
}

// items counts the items of a list that are there and those that p makes.
func (p *patch) items(n *resource.Node) int {
	count := 0
	if n != nil && n.Kind == resource.List {
		count = len(n.Items)
	}
	for _, k := range p.kids {
		if k.step.Name == "" {
			count = max(count, k.step.Index+1)
		}
	}
	return count
}

// build makes the value of a place that does not exist yet; nil when the patch
// makes nothing there.
func (p *patch) build() *value {
	switch {
	case p.set != nil:
		return p.set
	case p.del:
		return nil
	case len(p.add) > 0:
		return &value{kind: resource.List, items: p.add}
	}
	var out *value
	for _, k := range p.kids {
		v := k.p.build()
		if v == nil {
			continue
		}
		if k.step.Name == "" {
			if out == nil {
				out = &value{kind: resource.List}
			}
			out.items = append(out.items, *v)
			continue
		}
		if out == nil {
			out = &value{kind: resource.Map}
		}
		out.fields = append(out.fields, entry{k.step.Name, *v})
	}
	return out
}
