// Package packer reads templates of Packer, in its own language and in JSON: one
// resource a source or builder, and one a build with what it does to the image.
package packer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// The kinds of the resources.
const (
	KindSource = "Packer"
	KindBuild  = "PackerBuild"
)

// IsTemplate reports whether a file is one of Packer's, by its name: JSON is, in
// a unit of this platform.
func IsTemplate(name string) bool {
	return strings.HasSuffix(name, ".pkr.hcl") || strings.HasSuffix(name, ".pkrvars.hcl") || strings.HasSuffix(name, ".json")
}

// Text is a text of a build: what it runs, or a file that it puts somewhere.
type Text struct {
	shell.Text
	Why  string         // of parts that are not known
	Path *resource.Node // where the file goes; nil for what is run
}

// Look says what the texts of a build do: it puts that into the build's root, and
// gives the resources that they make.
type Look func(ctx context.Context, u format.Unit, build *resource.Resource, texts []Text) ([]*resource.Resource, source.Diagnostics)

// Reader reads templates. It is safe for concurrent use.
type Reader struct {
	hcl  *terraform.Reader
	look Look
}

// New makes a reader.
func New(look Look) *Reader { return &Reader{hcl: terraform.New(), look: look} }

var _ format.Reader = (*Reader)(nil)

// Read implements format.Reader. A source has its type as the field "type"
// besides its own settings. A build has this form:
//
//	sources:      the names of its sources
//	provisioners: [{type, …settings}]
//
// and what Look puts in.
// Scripts that provisioners name are read where they lie in the tree; nothing is
// downloaded.
func (r *Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	if u.MaxFileSize <= 0 {
		u.MaxFileSize = format.DefaultMaxFileSize
	}
	t := &template{ctx: ctx, look: r.look, u: u, files: map[string]*source.File{}}
	if len(u.Files) > 0 && strings.HasSuffix(u.Files[0], ".json") && !strings.HasSuffix(u.Files[0], ".pkr.json") {
		ds := yamltree.ReadAll(ctx, &u, yamltree.Options{Candidate: func(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }}, t.document)
		return t.out, append(ds, t.ds...)
	}
	rs, ds := r.hcl.ReadPacker(ctx, u)
	for _, res := range rs {
		t.hcl(res)
	}
	return t.out, append(ds, t.ds...)
}

// template is one template under way.
type template struct {
	ctx   context.Context
	look  Look
	u     format.Unit
	files map[string]*source.File
	out   []*resource.Resource
	ds    source.Diagnostics
}

func (t *template) add(r *resource.Resource) {
	r.Platform, r.Format, r.Unit = resource.NodeBootstrap, resource.NodeBootstrap, t.u.ID
	t.out = append(t.out, r)
	if r.Kind == KindBuild {
		made, ds := t.look(t.ctx, t.u, r, t.texts(r.Root))
		t.out, t.ds = append(t.out, made...), append(t.ds, ds...)
	}
}

func field(name string, n *resource.Node) resource.Field { return resource.Field{Name: name, Node: n} }

// hcl makes a resource of a block.
func (t *template) hcl(r *resource.Resource) {
	address := r.ID
	r.ID = path.Join("packer", t.u.Dir, address)
	root := *r.Root
	switch {
	case strings.HasPrefix(address, "source."):
		typ := &resource.Node{Kind: resource.String, Value: r.Kind, Range: r.Head}
		root.Fields = append([]resource.Field{field("type", typ)}, r.Root.Fields...)
		r.Kind = KindSource
	case r.Kind == "build":
		root.Fields = nil
		for _, f := range r.Root.Fields {
			if f.Name != "provisioner" {
				root.Fields = append(root.Fields, f)
				continue
			}
			list := *f.Node
			list.Items = nil
			for _, it := range f.Node.Items {
				p := *it
				p.Fields = nil
				for _, g := range it.Fields {
					if g.Name == "label" {
						g.Name = "type"
					}
					p.Fields = append(p.Fields, g)
				}
				list.Items = append(list.Items, &p)
			}
			root.Fields = append(root.Fields, field("provisioners", &list))
		}
		r.Kind = KindBuild
	case strings.HasPrefix(r.Kind, "data."):
	default:
		return
	}
	r.Root = &root
	t.add(r)
}

// document makes the resources of a template in JSON.
func (t *template) document(d yamltree.Document) source.Diagnostics {
	builders, provisioners := d.Root.Get("builders"), d.Root.Get("provisioners")
	if builders == nil || builders.Kind != resource.List {
		var ds source.Diagnostics
		ds.Errorf(d.File.Path, 1, "a template of Packer has a list of builders")
		return ds
	}
	t.files[d.File.Path] = d.File
	vars := map[string]*resource.Node{}
	if v := d.Root.Get("variables"); v != nil {
		for _, f := range v.Fields {
			vars[f.Name] = f.Node
		}
	}
	fill(builders, vars, 0)
	fill(provisioners, vars, 0)
	id := "packer/" + d.File.Path
	seen := map[string]int{}
	for _, b := range builders.Items {
		if b.Kind != resource.Map {
			continue
		}
		name := b.Get("name").Str()
		if name == "" {
			name = b.Get("type").Str()
		}
		seen[name]++
		r := &resource.Resource{ID: id + "/" + name, Kind: KindSource, Name: name, Root: b, Range: b.Range}
		if n := seen[name]; n > 1 {
			r.ID += "#" + strconv.Itoa(n)
		}
		r.Head = yamltree.FirstLine(d.File, b.Range)
		if typ := b.Get("type"); typ != nil && !typ.KeyRange.IsZero() && typ.KeyRange.Start.Line == typ.Range.End.Line {
			r.Head = source.Range{File: d.File.Path, Start: typ.KeyRange.Start, End: typ.Range.End}
		}
		t.add(r)
	}
	if provisioners != nil && provisioners.Kind == resource.List && len(provisioners.Items) > 0 {
		root := &resource.Node{Kind: resource.Map, Range: provisioners.Range, Fields: []resource.Field{field("provisioners", provisioners)}}
		r := &resource.Resource{ID: id + "/build", Kind: KindBuild, Name: path.Base(d.File.Path), Root: root, Range: provisioners.Range}
		r.Head = yamltree.FirstLine(d.File, r.Range)
		if !provisioners.KeyRange.IsZero() {
			r.Head = provisioners.KeyRange
		}
		t.add(r)
	}
	return nil
}

// fill puts the defaults of user variables in and makes the rest of what the
// engine of templates computes unknown.
func fill(n *resource.Node, vars map[string]*resource.Node, depth int) {
	if n == nil || depth > yamltree.MaxDepth {
		return
	}
	for _, it := range n.Items {
		fill(it, vars, depth+1)
	}
	for _, f := range n.Fields {
		if f.Name != "execute_command" {
			fill(f.Node, vars, depth+1)
		}
	}
	s := n.Str()
	if !strings.Contains(s, "{{") {
		return
	}
	var b strings.Builder
	why := ""
	for rest := s; ; {
		i := strings.Index(rest, "{{")
		end := -1
		if i >= 0 {
			end = strings.Index(rest[i:], "}}")
		}
		if end < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		expr := strings.TrimSpace(rest[i+2 : i+end])
		rest = rest[i+end+2:]
		name, ok := strings.CutPrefix(expr, "user ")
		v := vars[strings.Trim(strings.TrimSpace(name), "`\"'")]
		if ok && v != nil && v.Kind == resource.String && !strings.Contains(v.Str(), "{{") && v.Str() != "" {
			b.WriteString(v.Str())
			n.Origins = append(n.Origins[:len(n.Origins):len(n.Origins)], v.Range)
		} else {
			why = yamltree.Clean(expr)
			b.WriteString(shell.Gap)
		}
		if b.Len() > 1<<16 {
			why = "a text that is too long"
			break
		}
	}
	if why != "" {
		n.Value, n.Unknown, n.Why, n.Parts = nil, true, why, strings.Split(b.String(), shell.Gap)
		return
	}
	n.Value = b.String()
}

// maxScripts bounds the scripts of one build that are read.
const maxScripts = 50

// texts gives what the provisioners of a build run and copy.
func (t *template) texts(root *resource.Node) []Text {
	list := root.Get("provisioners")
	if list == nil {
		return nil
	}
	var out []Text
	read := 0
	file := func(n, to *resource.Node) {
		if n.Str() == "" || read == maxScripts {
			return
		}
		read++
		if f := t.file(t.find(n.Str())); f != nil {
			out = append(out, Text{Text: shell.Text{S: string(f.Data), At: func(a, b int) source.Range { return f.Range(a, b) }}, Path: to})
		}
	}
	known := func(n, to *resource.Node) {
		if s := shell.Known(n); s != "" {
			out = append(out, Text{Text: t.textOf(n, s), Why: n.Why, Path: to})
		}
	}
	for _, p := range list.Items {
		switch p.Get("type").Str() {
		case "shell", "shell-local":
			if inline := p.Get("inline"); inline != nil {
				for _, it := range inline.Items {
					known(it, nil)
				}
			}
			file(p.Get("script"), nil)
			if l := p.Get("scripts"); l != nil {
				for _, n := range l.Items {
					file(n, nil)
				}
			}
		case "file":
			to := p.Get("destination")
			if to.Str() == "" || p.Get("direction").Str() == "download" {
				continue
			}
			if c := p.Get("content"); c != nil {
				known(c, to)
			}
			file(p.Get("source"), to)
		}
	}
	return out
}

// find gives the path of a script that a template names: from the template's
// folder or, as Packer would, from where it is started.
func (t *template) find(name string) string {
	name = strings.TrimPrefix(strings.ReplaceAll(name, shell.Gap, ""), "/")
	for _, p := range []string{path.Join(t.u.Dir, name), path.Clean(name)} {
		if fs.ValidPath(p) && t.file(p) != nil {
			return p
		}
	}
	return ""
}

func (t *template) file(name string) *source.File {
	if name == "" {
		return nil
	}
	f, ok := t.files[name]
	if ok {
		return f
	}
	if data, err := load(t.u.FS, name, t.u.MaxFileSize); err == nil {
		f = source.NewFile(name, data)
	}
	t.files[name] = f
	return f
}

func load(fsys fs.FS, name string, limit int64) ([]byte, error) {
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		info, err := fs.Lstat(fsys, name[:i])
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 || i == len(name) && !info.Mode().IsRegular() {
			return nil, errors.New("it is no regular file")
		}
	}
	h, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	data, err := io.ReadAll(io.LimitReader(h, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	return data, err
}

// textOf finds the bytes of a text within the quotes around it.
func (t *template) textOf(n *resource.Node, s string) shell.Text {
	whole := n.Range
	if f := t.file(n.Range.File); f != nil && n.Range.End.Byte <= len(f.Data) {
		if i := strings.Index(f.Text(n.Range), s); i >= 0 {
			at := n.Range.Start.Byte + i
			return shell.Text{S: s, At: func(a, b int) source.Range { return f.Range(at+a, at+b) }}
		}
	}
	return shell.Text{S: s, At: func(int, int) source.Range { return whole }}
}
