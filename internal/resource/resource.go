// Package resource holds what every format is read into: a Resource with a
// tree of Nodes, each of which knows the bytes that it came from. It knows no
// format by name.
package resource

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Platforms that rules speak about. A resource has one platform, whatever
// format it was written in: a Deployment written in a chart is kubernetes.
const (
	Kubernetes     = "kubernetes"
	Terraform      = "terraform"
	Dockerfile     = "dockerfile"
	Compose        = "compose"
	Actions        = "github-actions"
	CloudFormation = "cloudformation"
	NodeBootstrap  = "node-bootstrap" // cloud-init, user data, machine images
)

// TerraformPlan is the format of what Terraform says of a plan. Its resources
// are of the platform Terraform. It is made, not written: nothing in it is
// edited or shown.
const TerraformPlan = "terraform-plan"

// Helm is the format of resources that a chart renders to.
const Helm = "helm"

// Resource is one thing that a rule can judge: a Kubernetes object, a Terraform
// resource instance, a Dockerfile.
type Resource struct {
	// ID names the resource within its unit, for people and for pairing base
	// with head: apps/v1/Deployment/shop/api, aws_eks_cluster.main,
	// dockerfile/services/api/Dockerfile.
	ID       string
	Platform string // what rules match on
	Format   string // what it was written in: the name of the reader
	// Kind is the type in the platform's words: Deployment, aws_eks_cluster,
	// Dockerfile. For Kubernetes, Group and Version stand beside it.
	Kind           string
	Group, Version string // Kubernetes alone; the core group is ""
	Name           string
	Namespace      string // Kubernetes alone; "" when the source does not say
	// Unit is the id of the unit that it was read from. (Unit, ID) is unique
	// within one tree; a reader gives a repeated identity the suffix #2, #3 …
	// and a diagnostic.
	Unit string
	// Variant is that of the unit: the environment that it was read for.
	Variant string
	// Home is the id of the unit that it was written in, where that is another
	// one: a module that the unit calls. "" otherwise.
	Home string
	// Source names the thing as it was written, where several units read it and
	// may rename it: a base's Deployment that overlays prefix. Findings are
	// known by it. Zero where Unit and ID say it.
	Source Identity
	Root   *Node
	// Range spans the whole resource as written; its File is the one that a
	// person edits.
	Range source.Range
	// Head is the line or header by which people know it: the apiVersion line
	// of a document, the block header of a Terraform resource. Findings about
	// something that is missing at the top stand here.
	Head source.Range
	// Origins are further places that brought the resource about (a module
	// call, an overlay), outermost last.
	Origins []source.Range
	// Comments are those within and right above the resource, in file order.
	// Suppressions are read from them.
	Comments []Comment
	// Written is how the resource was written, where that is in the terms of
	// another platform: a Deployment written as a kubernetes_deployment of
	// Terraform. nil: in those of its own.
	Written *Written
}

// Written is a resource as it was read, before it was projected onto the
// platform that rules speak about.
type Written struct {
	Resource *Resource
	// Path translates a path of the projected tree into one of
	// Resource.Root, for what is there as well as for what is missing, with an
	// index wherever a nested block is meant. It fails for what cannot be said
	// in the terms that the resource is written in.
	Path func(Path) (Path, error)
	// Along gives what has to be said as well in an object that is made at the
	// path of the projected tree, so that making it says no more than is meant:
	// what the resource is written in may fill in what is left out. nil: nothing.
	Along func(Path) []Field
	// Block says a block of YAML for the projected resource in HCL, which the
	// resource is written in. nil: it is written in YAML.
	Block func(string) (string, error)
	// Rewrite says what is written instead of a scalar that is set at a path of the
	// projected tree, or added to the list there: enabledLogs gains "audit" where
	// logging.audit becomes true. None: the value itself, where Path leads. nil: so
	// for all. It fails for values that the form does not have.
	Rewrite func(at Path, add bool, v *Node) ([]Write, error)
}

// Write is a value that is set at a path, or added to the list there.
type Write struct {
	Path  Path
	Value *Node // a scalar
	Add   bool
}

// Identity is what a resource is known by.
type Identity struct{ Unit, ID string }

// AsWritten gives the resource that r was projected from, or r where it is as it
// was written.
func (r *Resource) AsWritten() *Resource {
	for r.Written != nil {
		r = r.Written.Resource
	}
	return r
}

// Known gives what a resource is known by whichever way it is reached: Source
// where it has one, else its ID in its home, or in its unit with the unit's
// variant left out.
func (r *Resource) Known() Identity {
	if r.Source != (Identity{}) {
		return r.Source
	}
	if r.Home != "" {
		return Identity{r.Home, r.ID}
	}
	if r.Variant == "" {
		return Identity{r.Unit, r.ID}
	}
	return Identity{strings.TrimSuffix(r.Unit, "@"+r.Variant), r.ID}
}

// Comment is one comment of the source, without its marker.
type Comment struct {
	Text  string
	Range source.Range
	// Trailing is true when code stands before it on its line.
	Trailing bool
}

// Kind is the kind of a Node.
type Kind uint8

// The kinds of nodes. There is no node for what is absent: look-ups give nil.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

// String names the kind.
func (k Kind) String() string {
	return [...]string{"null", "bool", "int", "float", "string", "list", "map"}[k]
}

// Node is a value of a resource together with where it was written. Nodes are
// immutable once their reader has returned them.
type Node struct {
	Kind Kind
	// Value holds bool, int64, float64 or string for the scalar kinds, nil
	// for the others.
	Value  any
	Items  []*Node // of a List, in order
	Fields []Field // of a Map, in source order, names unique
	// Range is byte-exact: the source text there is what the node says. For a
	// value that was computed it is the expression that decides it here.
	Range source.Range
	// KeyRange is the range of the name of the field that holds the node; zero
	// for list items and roots. For a Terraform block it is the block's header.
	KeyRange source.Range
	// Origins name further places that the value came from (a variable's
	// default, a values file), nearest first.
	Origins []source.Range
	// Unknown is true for a value that cannot be known before it is applied.
	// It is neither false nor absent. Kind is then a guess at best.
	Unknown bool
	// Why says of an unknown value what it depends on ("data.aws_ami.eks.id",
	// "var.region has no default"), for the report.
	Why string
	// Refs are the ids of resources of the unit that the value's expression
	// refers to, sorted; nil for none. They are shared: don't change them. What
	// the items of a list or the fields of a map refer to stands at those.
	Refs []string
	// Parts is what is known of an unknown String: the texts before, between and
	// after the pieces that are not known, one more than there are such pieces.
	// "arn:aws:s3:::${x}/*" has "arn:aws:s3:::" and "/*". nil where nothing is
	// known. They are shared too.
	Parts []string
	// Partial is true for a List or Map that may hold more than is known.
	Partial bool
	// Embedded is the tree of a document that a String holds, where the reader
	// could keep its structure and positions: the argument of jsonencode, a
	// heredoc of JSON, a policy document.
	Embedded *Node
	// Taken are fields that a Map had where it was written, and that something
	// laid over it took away: each a Null at the place that did, with a KeyRange
	// where it is written as a field. They count for places alone.
	Taken []Field
	// Block is true for Terraform's nested blocks: a field of repeated blocks
	// is a List of Maps, each with Block set.
	Block bool
}

// Field is a named value of a Map.
type Field struct {
	Name string
	Node *Node
}

// Get gives the value of a field of a Map, or nil: for a nil node, another
// kind, or a missing field.
func (n *Node) Get(name string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			return n.Fields[i].Node
		}
	}
	return nil
}

// TakenAway gives what took a field of a Map away, nil for none.
func (n *Node) TakenAway(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Taken {
		if n.Taken[i].Name == name {
			return n.Taken[i].Node
		}
	}
	return nil
}

// Path walks fields by name from n, giving nil as soon as one is missing.
func (n *Node) Path(names ...string) *Node {
	for _, s := range names {
		n = n.Get(s)
	}
	return n
}

// Str gives the value of a known String, else "".
func (n *Node) Str() string {
	if n == nil || n.Unknown {
		return ""
	}
	s, _ := n.Value.(string)
	return s
}

// Equal reports whether two trees say the same, wherever and however they are
// written: ranges, origins and the order of fields do not count; the order of
// items does. Unknown values are equal when they depend on the same and refer to
// the same, and what is known of them is equal.
func Equal(a, b *Node) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	if a.Unknown || b.Unknown {
		// A text that is not known may hold a document that is known in part.
		return a.Unknown == b.Unknown && a.Why == b.Why && slices.Equal(a.Parts, b.Parts) && slices.Equal(a.Refs, b.Refs) &&
			Equal(a.Embedded, b.Embedded)
	}
	if a.Kind != b.Kind || a.Partial != b.Partial {
		return false
	}
	switch a.Kind {
	case List:
		if len(a.Items) != len(b.Items) {
			return false
		}
		for i := range a.Items {
			if !Equal(a.Items[i], b.Items[i]) {
				return false
			}
		}
		return true
	case Map:
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		return equalFields(a.Fields, b)
	}
	if a.Embedded != nil && b.Embedded != nil {
		return Equal(a.Embedded, b.Embedded)
	}
	return a.Value == b.Value
}

// equalFields reports whether b, a map of as many fields, says the same as the
// fields do. Maps are mostly in the same order on both sides; where they are
// not, an index keeps maps of many thousand fields from costing the square.
func equalFields(fields []Field, b *Node) bool {
	var index map[string]*Node
	for i, f := range fields {
		o := b.Fields[i].Node
		if b.Fields[i].Name != f.Name {
			if index == nil {
				index = make(map[string]*Node, len(b.Fields))
				for _, g := range b.Fields {
					index[g.Name] = g.Node
				}
			}
			o = index[f.Name]
		}
		if o == nil || !Equal(f.Node, o) {
			return false
		}
	}
	return true
}

// Step is one step of a Path: a field's name or a list's index.
type Step struct {
	Name  string
	Index int // counts when Name is ""
}

// Path leads from a resource's root to a node.
type Path []Step

// String writes the path as people write it: spec.containers[0].image; a name
// with a dot, a bracket or an unprintable character is quoted:
// metadata.annotations["a.b/c"].
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Name == "":
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case strings.ContainsAny(s.Name, ".[]\" ") || strings.ContainsFunc(s.Name, unprintable):
			b.WriteString("[" + strconv.Quote(s.Name) + "]")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Name)
		}
	}
	return b.String()
}

func unprintable(c rune) bool { return !unicode.IsPrint(c) }

// Stable writes the path so that it survives reordering: an item of a list
// that has a "name" (or "key", "id", "sid", "Sid") is named by it, any other
// is "*". Fingerprints are made of it; the engine numbers those that fall
// together.
func (p Path) Stable(root *Node) string {
	var b strings.Builder
	n := root
	for _, s := range p {
		if s.Name != "" {
			b.WriteByte('.')
			b.WriteString(s.Name)
			n = n.Get(s.Name)
			continue
		}
		var item *Node
		if n != nil && n.Kind == List && s.Index >= 0 && s.Index < len(n.Items) {
			item = n.Items[s.Index]
		}
		key := "*"
		for _, k := range [...]string{"name", "key", "id", "sid", "Sid"} {
			if v := item.Get(k).Str(); v != "" {
				key = k + "=" + v
				break
			}
		}
		b.WriteString("[" + key + "]")
		n = item
	}
	return strings.TrimPrefix(b.String(), ".")
}

// At follows the path from root. It gives the node, or the deepest ancestor
// that exists (nil for a nil root) together with how many steps were taken.
func (p Path) At(root *Node) (n *Node, steps int) {
	n = root
	for i, s := range p {
		var next *Node
		if s.Name != "" {
			next = n.Get(s.Name)
		} else if n != nil && n.Kind == List && s.Index >= 0 && s.Index < len(n.Items) {
			next = n.Items[s.Index]
		}
		if next == nil {
			return n, i
		}
		n = next
	}
	return n, len(p)
}

// Walk calls visit for root and everything below it, parents first, with the
// path to each; visit returning false leaves out what is below. The Path
// passed in is reused: copy it to keep it.
func Walk(root *Node, visit func(Path, *Node) bool) {
	var walk func(p Path, n *Node)
	walk = func(p Path, n *Node) {
		if n == nil || !visit(p, n) {
			return
		}
		for i, it := range n.Items {
			walk(append(p, Step{Index: i}), it)
		}
		for _, f := range n.Fields {
			walk(append(p, Step{Name: f.Name}), f.Node)
		}
	}
	walk(make(Path, 0, 16), root)
}
