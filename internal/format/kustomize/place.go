package kustomize

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	goyaml "gopkg.in/yaml.v3"
	kresource "sigs.k8s.io/kustomize/api/resource"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// placer gives the resources of a build their places.
type placer struct {
	scan  *scan
	chain *chains
	// of the resource at hand:
	over     []*spec // that transform it, outermost first
	doc      *document
	object   *resource.Node // of doc, that it was made of
	gen      *generator
	head     source.Range
	kind     string
	name     string // now
	was      string // as it is written
	path     resource.Path
	names    []string
	involved map[*document]bool
	entries  map[*spec]bool
	along    []*kyaml.Node  // the nodes on the way to the node at hand, one for each step of path
	taken    *resource.Node // the replacement that set the scalar at hand
	moved    []replacedNode // of all resources
	built    []builtResource
}

// resource makes a resource of one of the build's. bare is the same without the
// JSON patches, nil where there is none.
func (p *placer) resource(r, bare *kresource.Resource) *resource.Resource {
	out := unwrap(r.YNode())
	if out == nil || out.Kind != kyaml.MappingNode {
		return nil
	}
	apiVersion, kind := text(out, "apiVersion"), text(out, "kind")
	if apiVersion == "" || kind == "" {
		return nil
	}
	*p = placer{scan: p.scan, chain: p.chain, moved: p.moved, built: p.built, kind: kind, name: r.GetName(), involved: map[*document]bool{}, entries: map[*spec]bool{}, path: make(resource.Path, 0, 16)}
	prov := out
	p.origin(out)
	if p.doc == nil && bare != nil {
		if b := unwrap(bare.YNode()); b != nil {
			prov = b
			p.origin(b)
		}
	}
	res := &resource.Resource{Platform: resource.Kubernetes, Format: Name, Unit: p.scan.u.ID, Kind: kind, Name: r.GetName(), Namespace: r.GetNamespace()}
	res.Group, res.Version = splitVersion(apiVersion)
	var route []source.Range
	switch {
	case p.doc != nil:
		p.was = p.object.Path("metadata", "name").Str()
		p.over, route = p.chain.of(p.doc, nil)
		p.head = p.doc.headOf(p.object)
		res.Range = p.object.Range
		res.Source = resource.Identity{Unit: resource.Kubernetes + ":" + dirOf(p.doc.path), ID: identity(p.object)}
		if r := p.doc.rendered; r != nil {
			res.Source = resource.Identity{Unit: p.doc.unit, ID: r.ID}
		}
	case p.generated(kind, r.GetName()):
		p.over, route = p.chain.of(nil, p.gen)
		res.Range = p.gen.n.Range
		p.head = nameOf(p.gen.n)
		res.Source = resource.Identity{Unit: Name + ":" + p.gen.spec.dir, ID: "v1/" + kind + "/" + p.was}
		if p.gen.hashed(r.GetName()) {
			res.Name = r.GetName()[:len(r.GetName())-hashLength]
		}
	default:
		// Nothing says where it came from; the kustomization built it.
		p.over = p.scan.order
		res.Range = p.scan.order[0].root.Range
		p.head = yamltree.FirstLine(p.scan.order[0].file, res.Range)
		res.Source = resource.Identity{Unit: Name + ":" + p.scan.rootDir, ID: apiVersion + "/" + kind + "/" + r.GetName()}
	}
	res.Head = p.head
	res.ID = apiVersion + "/" + kind
	for _, s := range [2]string{res.Namespace, res.Name} {
		if s != "" {
			res.ID += "/" + s
		}
	}
	res.Origins = route
	res.Root = p.node(out, prov, nil)
	res.Root.KeyRange = source.Range{}
	if p.object != nil {
		p.takenAway(res.Root, p.object)
	}
	yamltree.Substitute(res.Root)
	res.Comments = p.comments(res)
	p.built = append(p.built, builtResource{res, p.was})
	return res
}

func splitVersion(apiVersion string) (group, version string) {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return "", apiVersion
	}
	return group, version
}

// identity is what the reader of manifests calls an object.
func identity(n *resource.Node) string {
	id := n.Get("apiVersion").Str() + "/" + n.Get("kind").Str()
	for _, name := range [2]string{"namespace", "name"} {
		if s := n.Path("metadata", name).Str(); s != "" {
			id += "/" + s
		}
	}
	return id
}

func unwrap(n *kyaml.Node) *kyaml.Node {
	if n != nil && n.Kind == kyaml.DocumentNode && len(n.Content) > 0 {
		return n.Content[0]
	}
	return n
}

func text(n *kyaml.Node, name string) string {
	if v := child(n, name); v != nil {
		return v.Value
	}
	return ""
}

func child(n *kyaml.Node, name string) *kyaml.Node {
	if n == nil || n.Kind != kyaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// origin finds the document that a resource was made of, and the object within
// that, by the first field whose place is one of a resource's document: patches
// write some of them anew.
func (p *placer) origin(n *kyaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := n.Content[i+1]
		d, w := p.scan.find(v.Line, v.Column)
		if w.n == nil || !d.broughtBy.IsZero() || !strings.HasSuffix("\x00"+w.names, "\x00"+n.Content[i].Value) {
			continue
		}
		p.doc, p.object = d, d.root
		if d.rendered != nil {
			return
		}
		for _, it := range itemsOf(d.root.Get("items")) {
			if it.Range.Contains(w.n.Range) {
				p.object = it
			}
		}
		return
	}
}

// headOf is the line by which people know an object: its kind.
func (d *document) headOf(n *resource.Node) source.Range {
	if d.rendered != nil {
		return d.rendered.Head
	}
	if v := n.Get("kind"); v != nil && len(v.Origins) == 0 && !v.KeyRange.IsZero() {
		return source.Range{File: d.path, Start: v.KeyRange.Start, End: v.Range.End}
	}
	return yamltree.FirstLine(d.file, n.Range)
}

// node makes a node of one of the build's, at p.path. prov is the node whose
// lines count: the same, or its counterpart in the build without JSON patches.
func (p *placer) node(n, prov *kyaml.Node, parent *resource.Node) *resource.Node {
	out := &resource.Node{}
	switch n.Kind {
	case kyaml.AliasNode:
		if n.Alias != nil && len(p.path) < yamltree.MaxDepth {
			return p.node(n.Alias, prov, parent)
		}
	case kyaml.MappingNode:
		out.Kind = resource.Map
	case kyaml.SequenceNode:
		out.Kind = resource.List
	default:
		out.Kind, out.Value = yamltree.Scalar(scalarOf(n), true)
	}
	placed := p.place(out, n, prov)
	if why := p.scan.unknownIn(out); why != "" {
		out.Unknown, out.Why, out.Value = true, why, nil
	}
	if !placed {
		out.Range = p.head
		if parent != nil && !parent.Range.IsZero() {
			out.Range = parent.Range
		}
		out.Origins = []source.Range{p.head}
	}
	if len(p.path) >= yamltree.MaxDepth {
		return out
	}
	switch n.Kind {
	case kyaml.MappingNode:
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if name == "" || seen[name] {
				continue
			}
			seen[name] = true
			p.path, p.names = append(p.path, resource.Step{Name: name}), append(p.names, name)
			p.along = append(p.along, n.Content[i+1])
			out.Fields = append(out.Fields, resource.Field{Name: name, Node: p.node(n.Content[i+1], p.field(n, prov, name, n.Content[i+1]), out)})
			p.path, p.names, p.along = p.path[:len(p.path)-1], p.names[:len(p.names)-1], p.along[:len(p.along)-1]
		}
	case kyaml.SequenceNode:
		for i, c := range n.Content {
			p.path, p.along = append(p.path, resource.Step{Index: i}), append(p.along, c)
			out.Items = append(out.Items, p.node(c, item(n, prov, i), out))
			p.path, p.along = p.path[:len(p.path)-1], p.along[:len(p.along)-1]
		}
	}
	if !placed {
		p.fromChildren(out)
	}
	p.apart(out)
	return out
}

// field gives the counterpart of a field's value.
func (p *placer) field(n, prov *kyaml.Node, name string, v *kyaml.Node) *kyaml.Node {
	if prov == n {
		return v
	}
	return child(unalias(prov), name)
}

func unalias(n *kyaml.Node) *kyaml.Node {
	if n != nil && n.Kind == kyaml.AliasNode {
		return n.Alias
	}
	return n
}

// item gives the counterpart of a list's item: of the same name, or else equal,
// or at the same place of a list of the same length.
func item(n, prov *kyaml.Node, i int) *kyaml.Node {
	if prov == n {
		return n.Content[i]
	}
	prov = unalias(prov)
	if prov == nil || prov.Kind != kyaml.SequenceNode {
		return nil
	}
	c := n.Content[i]
	if name := text(c, "name"); name != "" {
		for _, o := range prov.Content {
			if text(o, "name") == name {
				return o
			}
		}
		return nil
	}
	if c.Kind == kyaml.ScalarNode {
		for _, o := range prov.Content {
			if o.Kind == kyaml.ScalarNode && o.Value == c.Value {
				return o
			}
		}
		return nil
	}
	if len(prov.Content) == len(n.Content) {
		return prov.Content[i]
	}
	return nil
}

func scalarOf(n *kyaml.Node) *goyaml.Node {
	out := &goyaml.Node{Kind: goyaml.ScalarNode, Style: goyaml.Style(n.Style), Tag: n.Tag, Value: n.Value}
	if out.Tag == "" {
		out.Tag = out.ShortTag()
	}
	return out
}

// place says where a node was written or what decided it; false where nothing
// says so.
func (p *placer) place(out *resource.Node, n, prov *kyaml.Node) bool {
	var d *document
	var w written
	if prov != nil && prov.Kind == n.Kind || prov != nil && n.Kind == kyaml.ScalarNode {
		if d, w = p.scan.find(prov.Line, prov.Column); w.n != nil && !p.within(w.names) {
			d, w = nil, written{}
		}
	}
	if w.n != nil && w.n.Unknown && out.Str() == d.laid[w.n] {
		p.written(out, d, w.n)
		out.Unknown, out.Why, out.Parts, out.Value = true, w.n.Why, w.n.Parts, nil
		return true
	}
	if w.n != nil && w.n.Kind == out.Kind && (container(out) || w.n.Value == out.Value) {
		p.written(out, d, w.n)
		return true
	}
	if container(out) {
		return p.byOperation(out)
	}
	if w.n == nil && p.object != nil {
		// Transformers write anew what they change: it stood at the same path.
		if o, taken := p.path.At(p.object); taken == len(p.path) && !container(o) {
			w.n = o
		}
	}
	p.taken = nil
	if at, origins := p.byEntry(out, w.n); at != nil {
		out.Range, out.Origins = at.Range, origins
		if p.taken != nil {
			p.moved = append(p.moved, replacedNode{out, p.taken, len(p.built)})
		}
		return true
	}
	if p.byOperation(out) {
		return true
	}
	if w.n != nil && d == nil && w.n.Kind == out.Kind && w.n.Value == out.Value {
		p.written(out, p.doc, w.n)
		return true
	}
	if w.n != nil {
		// What stands there was changed: a prefix, a hash.
		out.Range, out.KeyRange, out.Origins = w.n.Range, w.n.KeyRange, []source.Range{w.n.Range}
		return true
	}
	if p.gen != nil {
		return p.byGenerator(out)
	}
	return false
}

var standIn = regexp.MustCompile(`unknown-(\d+)-of-the-chart`)

// unknownIn says of a text that holds what stands for something unknown why that
// is not known; "" for any other.
func (s *scan) unknownIn(n *resource.Node) string {
	if len(s.unknowns) == 0 || !strings.Contains(n.Str(), "-of-the-chart") {
		return ""
	}
	m := standIn.FindStringSubmatch(n.Str())
	if m == nil {
		return ""
	}
	if i, err := strconv.Atoi(m[1]); err == nil && i < len(s.unknowns) {
		return s.unknowns[i].Why
	}
	return ""
}

func container(n *resource.Node) bool { return n.Kind == resource.Map || n.Kind == resource.List }

// within reports whether the names on the way to what is written are those on
// the way to the node at hand: all of them, or the last ones where the object
// lies within a list.
func (p *placer) within(names string) bool {
	own := strings.Join(p.names, "\x00")
	return names == own || strings.HasSuffix(names, "\x00"+own) || own == "" && names == "items"
}

// written takes the place over of what says the same.
func (p *placer) written(out *resource.Node, d *document, n *resource.Node) {
	p.involved[d] = true
	if !d.exact {
		out.Range, out.Origins = d.broughtBy, []source.Range{d.broughtBy}
		return
	}
	out.Range, out.KeyRange, out.Origins = n.Range, n.KeyRange, n.Origins
	if !d.broughtBy.IsZero() {
		out.Origins = append([]source.Range{d.broughtBy, p.head}, n.Origins...)
	}
}

// fromChildren gives a map or list that nobody wrote the place of its first
// child that has one.
func (p *placer) fromChildren(out *resource.Node) {
	for _, c := range out.Items {
		if c.Range != out.Range {
			out.Range, out.Origins = c.Range, []source.Range{p.head}
			return
		}
	}
	for _, f := range out.Fields {
		if f.Node.Range != out.Range {
			out.Range, out.Origins = f.Node.Range, []source.Range{p.head}
			return
		}
	}
}

// apart says of children that stand outside of what holds them where they come
// in.
func (p *placer) apart(out *resource.Node) {
	mark := func(c *resource.Node) {
		if len(c.Origins) == 0 && len(out.Origins) == 0 && !out.Range.Contains(c.Range) {
			c.Origins = []source.Range{p.head}
		}
	}
	for _, c := range out.Items {
		mark(c)
	}
	for _, f := range out.Fields {
		mark(f.Node)
	}
}

// comments gives those of everything that the resource was made of: its own
// document first, then patches and kustomizations by file.
func (p *placer) comments(res *resource.Resource) []resource.Comment {
	var out []resource.Comment
	seen := map[source.Range]bool{}
	take := func(list []resource.Comment) {
		for _, c := range list {
			if !seen[c.Range] {
				seen[c.Range] = true
				out = append(out, c)
			}
		}
	}
	if p.doc != nil && p.doc.rendered != nil {
		take(p.doc.rendered.Comments)
	} else if p.doc != nil {
		take(yamltree.CommentsOf(p.doc.file, p.object.Range, p.doc.comments))
	}
	for _, d := range p.scan.docs {
		if p.involved[d] && d != p.doc && d.exact {
			take(d.comments)
		}
	}
	for _, k := range p.scan.order {
		if p.entries[k] {
			take(k.comments)
			for i := range k.generators {
				if g := &k.generators[i]; p.gen != nil && g.kind == p.gen.kind && g.n.Get("name").Str() == p.was {
					take(g.comments)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b resource.Comment) int {
		if own := (a.Range.File == res.Range.File); own != (b.Range.File == res.Range.File) {
			if own {
				return -1
			}
			return 1
		}
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start.Byte - b.Range.Start.Byte
	})
	return out
}
