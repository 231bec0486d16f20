package cloudformation

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on templates within templates.
const (
	maxStackDepth = 8
	maxStacks     = 64 // of one unit
)

// template is one template: that of the unit, or one that a stack in it is made
// of.
type template struct {
	m        *maker
	file     *source.File
	root     *resource.Node
	comments []resource.Comment
	r        *resolver
	prefix   string         // of the ids of its resources
	via      []source.Range // the stacks that it is made for, innermost first
	files    []string       // the templates on the way to it, itself included
	nested   map[string]*template
	asking   int              // outputs that are being worked out
	all      []resource.Field // its resources, once asked for
}

func (m *maker) template(d yamltree.Document) *template {
	t := &template{m: m, file: d.File, root: d.Root, comments: d.Comments, nested: map[string]*template{}}
	t.r = newResolver(d.Root)
	t.r.output = t.output
	t.files = []string{d.File.Path}
	return t
}

// sourceOf gives where the template of a stack lies; ok is false for resources
// that are no stacks.
func sourceOf(kind string, root *resource.Node) (at *resource.Node, ok bool) {
	p := root.Get("Properties")
	switch kind {
	case "AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet":
		return p.Get("TemplateURL"), true
	case "AWS::Serverless::Application":
		return p.Get("Location"), true
	}
	return nil, false
}

// child gives the template that a stack is made of; nil where it is not in the
// tree, which is said once.
func (t *template) child(name string) *template {
	if c, asked := t.nested[name]; asked {
		return c
	}
	t.nested[name] = nil
	n := t.resource(name)
	if n == nil {
		return nil
	}
	kind := n.Get("Type").Str()
	root := t.r.value(n, 0)
	at, ok := sourceOf(kind, root)
	if !ok {
		return nil
	}
	id := t.prefix + name
	left := func(text string, args ...any) *template {
		t.m.said = append(t.m.said, source.Diagnostic{
			File: t.file.Path, Line: place(n).Start.Line, Level: source.LevelWarning,
			Message: yamltree.Clean(id) + " is not looked into: " + fmt.Sprintf(text, args...), NotEvaluated: yamltree.Clean(id),
		})
		return nil
	}
	switch {
	case at == nil && root.Path("Properties", "TemplateBody") != nil:
		return left("its template is written into it")
	case at == nil:
		return left("it names no template")
	case at.Unknown:
		return left("its template is %s", yamltree.Clean(at.Why))
	case at.Kind != resource.String || !local(at.Str()):
		return left("its template is not in the repository")
	}
	file := path.Join(path.Dir(t.file.Path), at.Str())
	switch {
	case slices.Contains(t.files, file):
		return left("its template is one that it is part of")
	case len(t.files) >= maxStackDepth:
		return left("stacks are nested more than %d deep", maxStackDepth)
	case t.m.stacks >= maxStacks:
		return left("the template has more than %d stacks", maxStacks)
	case !inTree(t.m.unit, file):
		return left("its template %s is not in the repository", yamltree.Clean(file))
	}
	t.m.stacks++
	d := t.m.nested(file)
	if d == nil {
		return left("%s is no template", yamltree.Clean(file))
	}
	c := t.m.template(*d)
	c.r.spent = t.r.spent // what is made of one template for all its stacks is bounded together
	c.prefix = id + "."
	c.via = append([]source.Range{place(n)}, t.via...)
	c.files = append(slices.Clone(t.files), file)
	c.r.given = map[string]*resource.Node{}
	if p := root.Path("Properties", "Parameters"); p != nil {
		for _, f := range p.Fields {
			c.r.given[f.Name] = f.Node
		}
		for _, it := range p.Items { // of a stack set
			if v := it.Get("ParameterValue"); v != nil {
				c.r.given[it.Get("ParameterKey").Str()] = v
			}
		}
	}
	c.r.prefix = c.prefix
	t.nested[name] = c
	return c
}

// nested reads a template that stacks are made of, once; nil where it is none.
func (m *maker) nested(file string) *yamltree.Document {
	if d, ok := m.read[file]; ok {
		return d
	}
	var first *yamltree.Document
	m.said = append(m.said, yamltree.Read(m.ctx, m.unit, file, options(), func(d yamltree.Document) source.Diagnostics {
		if all := d.Root.Get("Resources"); first == nil && all != nil && all.Kind == resource.Map {
			first = &d
		}
		return nil
	})...)
	if m.read == nil {
		m.read = map[string]*yamltree.Document{}
	}
	m.read[file] = first
	return first
}

// output gives what an output of a nested stack comes to, as the function at n
// names it; nil where it cannot be told.
func (t *template) output(n *resource.Node, name string, depth int) *resource.Node {
	stack, rest, ok := strings.Cut(name, ".Outputs.")
	if !ok || depth > yamltree.MaxDepth {
		return nil
	}
	c := t.child(stack)
	if c == nil || c.asking > maxStackDepth {
		return nil
	}
	v := c.root.Path("Outputs", rest, "Value")
	if v == nil {
		return nil
	}
	c.asking++
	defer func() { c.asking-- }()
	if v = c.r.value(v, depth+1); v == nil {
		return nil
	}
	return moved(n, v)
}

// local reports whether a template is named by a path.
func local(s string) bool {
	if s == "" || strings.Contains(s, "://") || strings.HasPrefix(s, "/") || strings.Contains(s, "\\") {
		return false
	}
	switch path.Ext(s) {
	case ".yaml", ".yml", ".json", ".template":
		return true
	}
	return false
}

// inTree reports whether there is a regular file of that name, with no symbolic
// link on the way.
func inTree(u *format.Unit, name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	for i := range len(name) + 1 {
		if i < len(name) && name[i] != '/' {
			continue
		}
		info, err := fs.Lstat(u.FS, name[:i])
		if err != nil || info.Mode()&fs.ModeSymlink != 0 {
			return false
		}
		if i == len(name) {
			return info.Mode().IsRegular()
		}
	}
	return false
}
