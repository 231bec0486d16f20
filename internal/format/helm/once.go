package helm

import (
	"strings"
	"text/template/parse"
)

// What is rendered with marks is, without them, what is rendered without them,
// unless something looks at a text that holds marks: a checksum of an included
// template, a helper whose output is parsed. Most templates do no such thing, and
// one rendering is enough for them.

// writers are the functions that leave marks and the text around them as they
// are.
var writers = map[string]bool{"nindent": true, "indent": true}

// once says of which templates one rendering with marks tells all.
type once struct {
	r     *release
	marks map[string]bool // trees that hold marks
	known map[string]knownTree
}

// knownTree is what is known of a tree with all that it includes.
type knownTree struct {
	marks bool // what it writes holds marks
	looks bool // it may look at a text that does
}

// tree tells of a tree by its name. One that includes itself, and one that is
// not known, may do anything.
func (o *once) tree(name string) knownTree {
	if k, ok := o.known[name]; ok {
		return k
	}
	tree := o.r.trees[name]
	if tree == nil || tree.Root == nil {
		return knownTree{marks: true}
	}
	o.known[name] = knownTree{true, true} // while it is looked into
	k := knownTree{marks: o.marks[name]}
	o.list(tree.Root, &k)
	o.known[name] = k
	return k
}

func (o *once) list(l *parse.ListNode, k *knownTree) {
	if l == nil {
		return
	}
	branch := func(b *parse.BranchNode) {
		o.pipe(b.Pipe, false, k)
		o.list(b.List, k)
		o.list(b.ElseList, k)
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			o.pipe(n.Pipe, len(n.Pipe.Decl) == 0, k)
		case *parse.IfNode:
			branch(&n.BranchNode)
		case *parse.WithNode:
			branch(&n.BranchNode)
		case *parse.RangeNode:
			branch(&n.BranchNode)
		case *parse.TemplateNode:
			below := o.tree(n.Name)
			k.marks, k.looks = k.marks || below.marks, k.looks || below.looks
			o.pipe(n.Pipe, false, k)
		}
	}
}

// pipe looks at a pipeline; writes says that its value goes into the output.
func (o *once) pipe(p *parse.PipeNode, writes bool, k *knownTree) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds[min(1, len(p.Cmds)):] {
		id, ok := c.Args[0].(*parse.IdentifierNode)
		writes = writes && ok && writers[id.Ident]
	}
	for i, c := range p.Cmds {
		first := c.Args
		if id, ok := c.Args[0].(*parse.IdentifierNode); ok {
			first = c.Args[1:]
			if id.Ident == "include" {
				o.include(first, writes && i == 0, k)
			}
		}
		for _, a := range first {
			o.argument(a, k)
		}
	}
}

func (o *once) argument(a parse.Node, k *knownTree) {
	switch a := a.(type) {
	case *parse.PipeNode:
		o.pipe(a, false, k)
	case *parse.ChainNode:
		o.argument(a.Node, k)
	}
}

// include looks at a call that gives what another template writes. What tpl
// includes is known when it is rendered.
func (o *once) include(args []parse.Node, writes bool, k *knownTree) {
	below := knownTree{marks: true, looks: true} // which one is not known
	if len(args) > 0 {
		if s, ok := args[0].(*parse.StringNode); ok {
			below = o.tree(s.Text)
		}
	}
	k.marks, k.looks = k.marks || below.marks, k.looks || below.looks || below.marks && !writes
}

// includes reports whether a text, taken as a template, may include another.
func includes(text string) bool {
	return strings.Contains(text, "{{") && (strings.Contains(text, "include") || strings.Contains(text, "template"))
}
