package helm

import (
	"slices"
	"sort"
	"text/template/parse"
)

// ref is a setting of the values that something looks at. "*" in its path is an
// item that a range goes through.
type ref []string

// facts are what is known of one stretch of a template's source.
type facts struct {
	span
	refs []ref // that an action looks at
	// within are those that decide whether the stretch is written at all,
	// innermost first.
	within []ref
	anew   bool // what it writes is another thing with each release
}

// spots are the facts of a tree, in order of the source.
type spots []facts

// find gives the facts at an offset.
func (s spots) find(off int) *facts {
	i := sort.Search(len(s), func(i int) bool { return s[i].end > off })
	if i < len(s) && s[i].start <= off {
		return &s[i]
	}
	return nil
}

// between gives the facts of the actions that begin from start to end.
func (s spots) between(start, end int) spots {
	i := sort.Search(len(s), func(i int) bool { return s[i].start >= start })
	k := i
	for k < len(s) && s[k].start < max(end, start+1) {
		k++
	}
	return s[i:k]
}

// Bounds on what is looked at for one action.
const (
	maxRefs   = 8 // settings
	maxFollow = 4 // templates that include each other
)

// scope is what names mean at a place of a template.
type scope struct {
	dot  ref // nil: the root, with .Values below it
	vars map[string]ref
}

// facts gives what is known of the source of a file: its own tree and those of
// its defines.
func (r *release) facts(t *tpl) spots {
	if t.known != nil {
		return t.known
	}
	w := walker{r: r, t: t}
	for _, tree := range t.trees {
		if tree.Root != nil {
			w.list(tree.Root, scope{vars: map[string]ref{}}, nil)
		}
	}
	sort.SliceStable(w.out, func(i, j int) bool { return w.out[i].start < w.out[j].start })
	t.known = w.out
	return w.out
}

// walker goes through the trees of a file.
type walker struct {
	r     *release
	t     *tpl
	spans []span
	out   spots
}

func (w *walker) list(l *parse.ListNode, sc scope, within []ref) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			w.out = append(w.out, facts{span: span{int(n.Pos), int(n.Pos) + len(n.Text)}, within: within})
		case *parse.ActionNode:
			w.action(int(n.Position()), n.Pipe, sc, within)
			sc.declare(n.Pipe)
		case *parse.TemplateNode:
			w.action(int(n.Position()), n.Pipe, sc, within)
		case *parse.IfNode:
			in := enclose(w.r.refs(n.Pipe, sc, 0), within)
			w.list(n.List, sc.inner(), in)
			w.list(n.ElseList, sc.inner(), in)
		case *parse.WithNode:
			in := enclose(w.r.refs(n.Pipe, sc, 0), within)
			inner := sc.inner()
			inner.dot = sc.value(n.Pipe)
			inner.declare(n.Pipe)
			w.list(n.List, inner, in)
			w.list(n.ElseList, sc.inner(), in)
		case *parse.RangeNode:
			in := enclose(w.r.refs(n.Pipe, sc, 0), within)
			inner := sc.inner()
			item := sc.value(n.Pipe)
			if item != nil {
				item = append(slices.Clip(item), "*")
			}
			inner.dot = item
			for _, v := range n.Pipe.Decl {
				inner.vars[v.Ident[0]] = item
			}
			w.list(n.List, inner, in)
			w.list(n.ElseList, sc.inner(), in)
		}
	}
}

func enclose(own, within []ref) []ref {
	return append(slices.Clip(own), within...)
}

func (w *walker) action(pos int, p *parse.PipeNode, sc scope, within []ref) {
	if w.spans == nil {
		w.spans = actions(w.t.file.Data)
	}
	i := sort.Search(len(w.spans), func(i int) bool { return w.spans[i].end > pos })
	if i == len(w.spans) || w.spans[i].start > pos || p == nil {
		return
	}
	w.out = append(w.out, facts{span: w.spans[i], refs: w.r.refs(p, sc, 0), within: within, anew: w.r.random(p, 0)})
}

// inner gives a scope whose variables can be set without touching sc's.
func (sc scope) inner() scope {
	out := scope{dot: sc.dot, vars: make(map[string]ref, len(sc.vars))}
	for k, v := range sc.vars {
		out.vars[k] = v
	}
	return out
}

// declare notes what the variables of a pipeline stand for.
func (sc scope) declare(p *parse.PipeNode) {
	for _, v := range p.Decl {
		sc.vars[v.Ident[0]] = sc.value(p)
	}
}

// unknownDot is what a dot is that nothing is known of. No setting has the name.
var unknownDot = ref{"\x00"}

// value gives the setting that a pipeline stands for, where it is one.
func (sc scope) value(p *parse.PipeNode) ref {
	if p == nil || len(p.Cmds) == 0 {
		return unknownDot
	}
	c := p.Cmds[0]
	var got ref
	if len(c.Args) == 1 {
		if _, ok := c.Args[0].(*parse.DotNode); ok {
			return sc.dot
		}
		if v, ok := c.Args[0].(*parse.VariableNode); ok && len(v.Ident) == 1 && v.Ident[0] == "$" {
			return nil
		}
		got = sc.of(c.Args[0])
	} else {
		got = sc.call(c)
	}
	if got == nil {
		return unknownDot
	}
	return got
}

// call gives the setting that a function picks out.
func (sc scope) call(c *parse.CommandNode) ref {
	id, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return nil
	}
	switch id.Ident {
	case "index", "get":
		if len(c.Args) < 2 {
			return nil
		}
		base := sc.of(c.Args[1])
		if base == nil {
			return nil
		}
		for _, a := range c.Args[2:] {
			s, ok := a.(*parse.StringNode)
			if !ok {
				return base
			}
			base = append(slices.Clip(base), s.Text)
		}
		return base
	case "default", "required", "toYaml", "toJson", "quote", "tpl", "deepCopy", "int", "toString", "coalesce":
		for _, a := range c.Args[1:] {
			if got := sc.of(a); got != nil {
				return got
			}
		}
	}
	return nil
}

// of gives the setting that an argument stands for, nil where it is none.
func (sc scope) of(n parse.Node) ref {
	switch n := n.(type) {
	case *parse.DotNode:
		return sc.below(sc.dot, nil)
	case *parse.FieldNode:
		return sc.below(sc.dot, n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			return sc.below(nil, n.Ident[1:])
		}
		base, ok := sc.vars[n.Ident[0]]
		if !ok {
			base = unknownDot
		}
		return sc.below(base, n.Ident[1:])
	case *parse.ChainNode:
		if p, ok := n.Node.(*parse.PipeNode); ok {
			return sc.below(sc.value(p), n.Field)
		}
	case *parse.PipeNode:
		if got := sc.value(n); len(got) > 0 && got[0] != unknownDot[0] {
			return got
		}
	}
	return nil
}

// below gives the setting under fields of a base. A field Values leads to the
// chart's values, wherever they were handed on.
func (sc scope) below(base ref, fields []string) ref {
	for i := len(fields) - 1; i >= 0; i-- {
		if fields[i] == "Values" {
			return ref(slices.Clip(fields[i+1:]))
		}
	}
	if base == nil || len(base) > 0 && base[0] == unknownDot[0] {
		return nil
	}
	return append(slices.Clip(base), fields...)
}

// refs gives the settings that a pipeline looks at, those of the templates that
// it includes among them.
func (r *release) refs(p *parse.PipeNode, sc scope, depth int) []ref {
	var out []ref
	add := func(x ref) {
		if len(x) > 0 && len(out) < maxRefs && !slices.ContainsFunc(out, func(y ref) bool { return slices.Equal(x, y) }) {
			out = append(out, x)
		}
	}
	var pipe func(p *parse.PipeNode)
	pipe = func(p *parse.PipeNode) {
		if p == nil {
			return
		}
		for _, c := range p.Cmds {
			if len(c.Args) == 0 {
				continue
			}
			id, isCall := c.Args[0].(*parse.IdentifierNode)
			if isCall && (id.Ident == "index" || id.Ident == "get") {
				if got := sc.call(c); got != nil {
					add(got)
					continue
				}
			}
			if isCall && id.Ident == "include" && len(c.Args) == 3 && depth < maxFollow {
				if name, ok := c.Args[1].(*parse.StringNode); ok {
					for _, x := range r.included(name.Text, sc.argument(c.Args[2]), depth+1) {
						add(x)
					}
				}
			}
			for _, a := range c.Args {
				if inner, ok := a.(*parse.PipeNode); ok {
					pipe(inner)
					continue
				}
				add(sc.of(a))
			}
		}
	}
	pipe(p)
	return out
}

// argument is what the dot of an included template is.
func (sc scope) argument(n parse.Node) ref {
	if _, ok := n.(*parse.DotNode); ok {
		return sc.dot
	}
	if v, ok := n.(*parse.VariableNode); ok && len(v.Ident) == 1 && v.Ident[0] == "$" {
		return nil
	}
	if got := sc.of(n); got != nil {
		return got
	}
	return unknownDot
}

// included gives the settings that a template looks at, where its dot is so.
func (r *release) included(name string, dot ref, depth int) []ref {
	tree := r.trees[name]
	if tree == nil || tree.Root == nil {
		return nil
	}
	var out []ref
	var list func(l *parse.ListNode, sc scope)
	pipes := func(p *parse.PipeNode, sc scope) {
		if len(out) < maxRefs {
			out = append(out, r.refs(p, sc, depth)...)
		}
	}
	list = func(l *parse.ListNode, sc scope) {
		if l == nil || len(out) >= maxRefs {
			return
		}
		for _, n := range l.Nodes {
			switch n := n.(type) {
			case *parse.ActionNode:
				pipes(n.Pipe, sc)
				sc.declare(n.Pipe)
			case *parse.IfNode:
				pipes(n.Pipe, sc)
				list(n.List, sc.inner())
				list(n.ElseList, sc.inner())
			case *parse.WithNode:
				pipes(n.Pipe, sc)
				inner := sc.inner()
				inner.dot = sc.value(n.Pipe)
				list(n.List, inner)
				list(n.ElseList, sc.inner())
			case *parse.RangeNode:
				pipes(n.Pipe, sc)
			}
		}
	}
	list(tree.Root, scope{dot: dot, vars: map[string]ref{}})
	return out
}

// random reports whether a pipeline makes something that is another thing each
// time.
func (r *release) random(p *parse.PipeNode, depth int) bool {
	if p == nil {
		return false
	}
	for _, c := range p.Cmds {
		for i, a := range c.Args {
			switch a := a.(type) {
			case *parse.IdentifierNode:
				if anew[a.Ident] && i == 0 {
					return true
				}
			case *parse.PipeNode:
				if r.random(a, depth) {
					return true
				}
			case *parse.ChainNode:
				if inner, ok := a.Node.(*parse.PipeNode); ok && r.random(inner, depth) {
					return true
				}
			}
		}
	}
	return false
}
