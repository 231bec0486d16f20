package kustomize

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// hashLength is what a generator adds to a name: a dash and ten characters.
const hashLength = 11

func dirOf(name string) string { return path.Dir(name) }

// chains knows which kustomizations bear on what, and by which entries it comes
// in.
type chains struct {
	root  *spec
	known map[any]chained
}

type chained struct {
	over  []*spec
	route []source.Range
}

func chain(root *spec) *chains { return &chains{root: root, known: map[any]chained{}} }

// of gives the kustomizations that bear on a document or on a generator's
// resource, the outermost first, and the entries that bring it in, nearest first.
func (c *chains) of(d *document, g *generator) ([]*spec, []source.Range) {
	var key any = d
	if g != nil {
		key = g.spec
	}
	if got, ok := c.known[key]; ok {
		return got.over, got.route
	}
	var got chained
	seen := map[*spec]bool{}
	var visit func(k *spec, route []source.Range) ([]*spec, bool)
	visit = func(k *spec, route []source.Range) (over []*spec, holds bool) {
		if g != nil && g.spec == k {
			holds = true
			if got.route == nil {
				got.route = reversed(route)
			}
		}
		var below []*spec
		for _, u := range k.uses {
			way := append(slices.Clone(route), u.at)
			if u.file != nil {
				if d != nil && slices.Contains(u.file.docs, d) {
					holds = true
					if got.route == nil {
						got.route = reversed(way)
					}
				}
				continue
			}
			if more, in := visit(u.spec, way); in {
				holds = true
				below = append(below, more...)
			}
		}
		if !holds {
			return nil, false
		}
		all(k, func(k *spec) { over = append(over, k) })
		return append(over, below...), true
	}
	over, _ := visit(c.root, nil)
	for _, k := range over {
		if !seen[k] {
			seen[k] = true
			got.over = append(got.over, k)
		}
	}
	c.known[key] = got
	return got.over, got.route
}

// all visits a kustomization and the components that it brings in.
func all(k *spec, add func(*spec)) {
	add(k)
	for i := len(k.uses) - 1; i >= 0; i-- {
		if u := k.uses[i]; u.component {
			all(u.spec, add)
		}
	}
}

func reversed(route []source.Range) []source.Range {
	out := slices.Clone(route)
	slices.Reverse(out)
	return out
}

// byEntry finds the entry of a kustomization that set a scalar. was is what
// stands where the value comes from, nil where that is not known.
func (p *placer) byEntry(out, was *resource.Node) (*resource.Node, []source.Range) {
	if len(p.names) == 0 {
		return nil, nil
	}
	for _, k := range p.over {
		if at := p.inEntries(k, out); at != nil {
			p.entries[k] = true
			origins := []source.Range{p.head}
			if was != nil {
				origins = []source.Range{was.Range}
			}
			return at, origins
		}
	}
	return nil, nil
}

// inEntries looks through one kustomization's transformers, the last to run
// first.
func (p *placer) inEntries(k *spec, out *resource.Node) *resource.Node {
	last := p.names[len(p.names)-1]
	if at := p.replaced(k); at != nil {
		return at
	}
	if s := out.Str(); s != "" && last == "image" {
		for _, field := range [...]string{"images", "imageTags"} {
			for _, e := range slices.Backward(itemsOf(k.root.Get(field))) {
				if at := imageEntry(e, s); at != nil {
					return at
				}
			}
		}
	}
	if last == "replicas" {
		for _, e := range itemsOf(k.root.Get("replicas")) {
			if name := e.Get("name").Str(); name != "" && (name == p.was || name == p.name) && same(e.Get("count"), out) {
				return e.Get("count")
			}
		}
	}
	if last == "namespace" && same(k.root.Get("namespace"), out) {
		return k.root.Get("namespace")
	}
	if len(p.names) < 2 {
		return nil
	}
	switch p.names[len(p.names)-2] {
	case "labels", "matchLabels", "selector":
		for _, e := range slices.Backward(itemsOf(k.root.Get("labels"))) {
			if v := e.Path("pairs", last); sameText(v, out) {
				return v
			}
		}
		if v := k.root.Path("commonLabels", last); sameText(v, out) {
			return v
		}
	case "annotations":
		if v := k.root.Path("commonAnnotations", last); sameText(v, out) {
			return v
		}
	}
	return nil
}

func same(a, b *resource.Node) bool {
	return a != nil && !container(a) && a.Kind == b.Kind && a.Value == b.Value
}

// sameText compares what is text in the result with what may be plain in the
// source.
func sameText(a, b *resource.Node) bool {
	if a == nil || container(a) {
		return false
	}
	if same(a, b) {
		return true
	}
	s := b.Str()
	switch v := a.Value.(type) {
	case int64:
		return s == strconv.FormatInt(v, 10)
	case bool:
		return s == strconv.FormatBool(v)
	}
	return false
}

// imageEntry gives the part of an images entry that an image's reference has
// from it.
func imageEntry(e *resource.Node, image string) *resource.Node {
	name, tag, digest := splitImage(image)
	want := e.Get("newName").Str()
	if want == "" {
		want = e.Get("name").Str()
	}
	if want == "" || want != name {
		return nil
	}
	if v := e.Get("digest"); v != nil {
		if v.Str() == digest && digest != "" {
			return v
		}
		return nil
	}
	if v := e.Get("newTag"); v != nil {
		if digest == "" && tag != "" && v.Str() == tag {
			return v
		}
		return nil
	}
	if v := e.Get("tagSuffix"); v != nil && strings.HasSuffix(tag, v.Str()) {
		return v
	}
	return e.Get("newName")
}

func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, digest
}

// replaced finds the field path of a replacement that leads to the node at hand.
func (p *placer) replaced(k *spec) *resource.Node {
	for _, r := range slices.Backward(k.replaces) {
		for _, t := range itemsOf(r.Get("targets")) {
			if kind := t.Path("select", "kind").Str(); kind != "" && kind != p.kind {
				continue
			}
			if name := t.Path("select", "name").Str(); name != "" && name != p.name && name != p.was {
				continue
			}
			for _, f := range itemsOf(t.Get("fieldPaths")) {
				if p.leads(fieldPath(f.Str())) {
					p.taken = r
					return f
				}
			}
		}
	}
	return nil
}

// fieldPath takes a path such as spec.containers.[name=app].image apart.
func fieldPath(s string) []string {
	var out []string
	depth, start := 0, 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == '.' && depth == 0 && (i == 0 || s[i-1] != '\\'):
			if i > start {
				out = append(out, strings.ReplaceAll(s[start:i], `\.`, "."))
			}
			start = i + 1
		case s[i] == '[':
			depth++
		case s[i] == ']':
			depth--
		}
	}
	return out
}

// leads reports whether steps of a field path or a pointer lead to the node at
// hand: names as they are, and anything for an item of a list but its index.
func (p *placer) leads(steps []string) bool {
	if len(steps) != len(p.path) {
		return false
	}
	for i, s := range steps {
		if !leadsTo(s, p.path[i]) {
			return false
		}
		if name, value, ok := selector(s); ok && text(p.along[i], name) != value {
			return false
		}
	}
	return true
}

// selector takes a step such as [name=app] apart.
func selector(step string) (name, value string, ok bool) {
	if !strings.HasPrefix(step, "[") || !strings.HasSuffix(step, "]") {
		return "", "", false
	}
	return strings.Cut(step[1:len(step)-1], "=")
}

func leadsTo(s string, step resource.Step) bool {
	if step.Name != "" {
		return s == step.Name
	}
	n, err := strconv.Atoi(s)
	return err != nil || n == step.Index
}

// byOperation finds the operation of a JSON patch that set the node at hand, the
// last to run first.
func (p *placer) byOperation(out *resource.Node) bool {
	for _, k := range p.over {
		for _, o := range slices.Backward(k.operations) {
			if !p.targeted(o.entry.Get("target")) {
				continue
			}
			for _, op := range slices.Backward(itemsOf(o.list)) {
				switch op.Get("op").Str() {
				case "add", "replace":
				default:
					continue
				}
				steps := pointer(op.Get("path").Str())
				if len(steps) > len(p.path) || !slices.EqualFunc(steps, p.path[:len(steps)], leadsTo) {
					continue
				}
				v, taken := p.path[len(steps):].At(op.Get("value"))
				if v == nil || taken != len(p.path)-len(steps) || v.Kind != out.Kind || !container(v) && v.Value != out.Value {
					continue
				}
				p.entries[k] = true
				out.Range, out.KeyRange, out.Origins = v.Range, v.KeyRange, []source.Range{o.origin, p.head}
				if len(steps) == len(p.path) {
					out.KeyRange = source.Range{} // the key is "value"
				}
				if d := o.doc; !d.exact {
					out.Range, out.KeyRange = d.broughtBy, source.Range{}
				} else {
					p.involved[d] = true
				}
				return true
			}
		}
	}
	return false
}

// pointer takes a JSON pointer apart.
func pointer(s string) []string {
	if s == "" {
		return nil
	}
	steps := strings.Split(strings.TrimPrefix(s, "/"), "/")
	for i := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(steps[i], "~1", "/"), "~0", "~")
	}
	return steps
}

// targeted reports whether a patch's target may be the resource at hand, by its
// kind and name.
func (p *placer) targeted(t *resource.Node) bool {
	if t == nil {
		return true
	}
	if k := t.Get("kind").Str(); k != "" && !matches(k, p.kind) {
		return false
	}
	n := t.Get("name").Str()
	return n == "" || matches(n, p.name) || matches(n, p.was)
}

// matches takes a selector's text as kustomize does: a pattern for the whole.
func matches(pattern, s string) bool {
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && re.MatchString(s)
}

// generated finds the generator that made a resource.
func (p *placer) generated(kind, name string) bool {
	best := -1
	for _, k := range p.scan.order {
		for i := range k.generators {
			g := &k.generators[i]
			was := g.n.Get("name").Str()
			if g.kind != kind || was == "" || len(was) <= best {
				continue
			}
			bare := name
			if g.hashed(name) {
				bare = name[:len(name)-hashLength]
			}
			// Prefixes and suffixes may stand around it.
			if bare == was || strings.Contains(bare, was) {
				p.gen, p.was, best = g, was, len(was)
			}
		}
	}
	return p.gen != nil
}

var hash = regexp.MustCompile(`-[a-z0-9]{10}$`)

// hashed reports whether a name ends in the hash of a generator.
func (g *generator) hashed(name string) bool {
	was := g.n.Get("name").Str()
	return hash.MatchString(name) && name != was && len(name) >= len(was)+hashLength
}

// nameOf is where a generator's entry has its name, or begins.
func nameOf(n *resource.Node) source.Range {
	if v := n.Get("name"); v != nil && !v.KeyRange.IsZero() {
		return source.Range{File: v.Range.File, Start: v.KeyRange.Start, End: v.Range.End}
	}
	return n.Range
}

// byGenerator finds the entry of a generator that a value came from, or the line
// of a file that it names.
func (p *placer) byGenerator(out *resource.Node) bool {
	at := p.gen.n.Get("name")
	if at == nil {
		return false
	}
	p.entries[p.gen.spec] = true
	out.Range, out.Origins = at.Range, []source.Range{p.head}
	if len(p.names) != 2 || p.names[0] != "data" && p.names[0] != "binaryData" && p.names[0] != "stringData" {
		return true
	}
	// A generator further out may add to one of the same name.
	for _, k := range p.scan.order {
		for i := range k.generators {
			g := &k.generators[i]
			if g.kind != p.gen.kind || g.n.Get("name").Str() != p.was {
				continue
			}
			d, ok := g.where()[p.names[1]]
			if !ok {
				continue
			}
			p.entries[k] = true
			out.Range = d.at
			if d.entry != nil {
				out.Origins = []source.Range{d.entry.Range, p.head}
			}
			return true
		}
	}
	return true
}
