package iam

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Found is a statement as Read found it, or a place of which it is not known
// what it holds.
type Found struct {
	Node *resource.Node
	// Path leads from the resource's root to what the statement was read from.
	Path resource.Path
	// Document is the document that it stands in, where a string holds that, and
	// Split the number of steps that lead to the string.
	Document *resource.Node
	Split    int
}

// Near gives the resources of a kind beside the one at hand; nil for none.
type Near func(kind string) []*resource.Resource

// Bounds of what is joined with one resource.
const (
	maxBindings = 500  // statements of a resource
	maxNear     = 1000 // resources whose statements may belong together
	maxMembers  = 100  // members of a binding that are compared
	maxPolicy   = 200  // statements that are weighed against each other
)

// Read gives the statements of a resource of GCP or Azure, and the places of
// which it is not known what they hold. handled is false for kinds that hold
// none. near must give what stands beside the resource, of the kinds of LinksOf.
func Read(res *resource.Resource, near Near) (found, doubts []Found, handled bool) {
	r := &reader{res: res, near: near}
	if !r.read() {
		return nil, nil, false
	}
	r.join()
	return r.found, r.doubts, true
}

// Reads reports whether a kind is one that Read has statements of.
func Reads(kind string) bool {
	switch {
	case strings.HasPrefix(kind, "google_"):
		return strings.Contains(kind, "_iam_")
	case strings.HasPrefix(kind, "azurerm_"):
		return strings.HasPrefix(kind, "azurerm_role_") || kind == azureActiveAssignment || kind == azureDelegation
	}
	return kind == gcpPolicyData
}

// reader reads the statements of one resource.
type reader struct {
	res           *resource.Resource
	near          Near
	found, doubts []Found
}

func (r *reader) read() bool {
	kind := r.res.Kind
	switch kind {
	case gcpPolicyData:
		if !r.taken() {
			r.policy()
		}
	case gcpProjectRole, gcpOrganizationRole:
		r.gcpRole()
	case azureDefinition:
		r.azureRole()
	case azureAssignment, azureActiveAssignment:
		r.assignment()
	case azureDelegation:
		r.delegation()
	default:
		if !strings.HasPrefix(kind, "google_") {
			return false
		}
		switch {
		case strings.HasSuffix(kind, "_iam_member"), strings.HasSuffix(kind, "_iam_binding"):
			r.add(r.binding(r.res.Root, r.level()), nil)
		case strings.HasSuffix(kind, "_iam_policy"):
			r.policy()
		default:
			return false
		}
	}
	return true
}

func (r *reader) add(st *resource.Node, p resource.Path) {
	if len(r.found) < maxBindings {
		r.found = append(r.found, Found{Node: st, Path: p})
	}
}

func (r *reader) doubt(n *resource.Node, p resource.Path) {
	r.doubts = append(r.doubts, Found{Node: n, Path: p})
}

// beside gives the resources of some kinds that stand beside the one at hand, it
// among them, at most maxNear.
func (r *reader) beside(kinds ...string) []*resource.Resource {
	if r.near == nil {
		return nil
	}
	var out []*resource.Resource
	for _, k := range kinds {
		rs := r.near(k)
		if len(out) == 0 && len(kinds) == 1 && len(rs) <= maxNear {
			return rs
		}
		out = append(out, rs[:min(len(rs), maxNear-len(out))]...)
	}
	return out
}

// fields adds fields to those of a place.
func fields(of *resource.Node, add ...resource.Field) *resource.Node {
	n := *of
	n.Fields = append(slices.Clone(of.Fields), add...)
	return &n
}

func put(name string, n *resource.Node) resource.Field { return resource.Field{Name: name, Node: n} }

// said gives a text that stands where another node does.
func said(at *resource.Node, s string) *resource.Node {
	n := &resource.Node{Kind: resource.String, Value: s}
	if at != nil {
		n.Range, n.KeyRange, n.Origins = at.Range, at.KeyRange, at.Origins
	}
	return n
}

// unsaid gives a text that is not known.
func unsaid(at *resource.Node, why string) *resource.Node {
	n := said(at, "")
	n.Value, n.Unknown = nil, true
	n.Why = why
	if at != nil && at.Why != "" {
		n.Why = at.Why
	}
	return n
}

// listed gives a list that stands where another node does.
func listed(at, list *resource.Node) *resource.Node {
	n := *list
	if at != nil {
		n.Range, n.KeyRange, n.Origins = at.Range, at.KeyRange, at.Origins
	}
	return &n
}

var yes = &resource.Node{Kind: resource.Bool, Value: true}

// first gives the one block of a name, in whichever form it is written.
func first(n *resource.Node) *resource.Node {
	if n != nil && !n.Unknown && n.Kind == resource.List {
		if len(n.Items) == 0 {
			return nil
		}
		return n.Items[0]
	}
	return n
}

// each reads the items of a list.
func (r *reader) each(list *resource.Node, at resource.Path, read func(b *resource.Node, p resource.Path)) {
	if list == nil {
		return
	}
	if list.Unknown || list.Partial {
		r.doubt(list, at)
	}
	if list.Unknown {
		return
	}
	for i, b := range list.Items {
		p := append(slices.Clone(at), resource.Step{Index: i})
		switch {
		case b == nil:
		case b.Unknown:
			r.doubt(b, p)
		case b.Kind == resource.Map:
			read(b, p)
		}
	}
}

// join gives each statement the field Policy: itself, what else the same
// principal is given where that may matter, and what is denied to it.
func (r *reader) join() {
	var group []*resource.Node
	gathered := false
	for i := range r.found {
		st := r.found[i].Node
		policy := &resource.Node{Kind: resource.List, Items: []*resource.Node{st}}
		if st.Get("Principal") != nil && leads(st) {
			if !gathered {
				group, gathered = r.group(), true
			}
			for _, o := range group {
				if len(policy.Items) == maxPolicy {
					policy.Partial, policy.Why = true, "a principal with too many roles"
					break
				}
				if o != st && shareMember(st, o) {
					policy.Items = append(policy.Items, o)
				}
			}
		}
		policy.Items = append(policy.Items, r.denials(st)...)
		n := fields(st, put("Policy", policy))
		r.found[i].Node = n
	}
}

// group gives the statements that may be about the same principals as those of
// the resource, on a level where they belong together.
func (r *reader) group() []*resource.Node {
	var out []*resource.Node
	for _, f := range r.found {
		out = append(out, f.Node)
	}
	kinds := gcpBindings
	if !strings.HasPrefix(r.res.Kind, "google_") {
		kinds = []string{azureAssignment, azureActiveAssignment}
	} else if !slices.Contains(gcpBindings, r.res.Kind) {
		return out // what a resource's own policy says ends there
	}
	for _, o := range r.beside(kinds...) {
		if o == r.res || !r.reaches(o) || !r.mayShare(o) {
			continue
		}
		other := &reader{res: o, near: r.near}
		other.read()
		for _, f := range other.found {
			out = append(out, f.Node)
		}
		if len(out) > maxNear {
			break
		}
	}
	return out
}

// reaches reports whether what another resource gives counts where this one
// does: on the same project, or on a folder or organisation.
func (r *reader) reaches(o *resource.Resource) bool {
	if !strings.HasPrefix(o.Kind, "google_project_") || !strings.HasPrefix(r.res.Kind, "google_project_") {
		return true
	}
	a, b := r.res.Root.Get("project"), o.Root.Get("project")
	return a == nil || b == nil || resource.Equal(a, b)
}

// mayShare reports whether a resource may give something to a principal of the
// one at hand, by what can be told before its statements are made.
func (r *reader) mayShare(o *resource.Resource) bool {
	name := "member"
	if o.Kind == azureAssignment || o.Kind == azureActiveAssignment {
		name = "principal_id"
	}
	m := o.Root.Get(name)
	if m == nil || m.Kind == resource.Map {
		return true
	}
	m = accountMember(m)
	for _, f := range r.found {
		if slices.ContainsFunc(listItems(f.Node.Path("Principal", "Member")), func(own *resource.Node) bool { return resource.Equal(own, m) }) {
			return true
		}
	}
	return false
}

func shareMember(a, b *resource.Node) bool {
	as, _ := items(a.Path("Principal", "Member"))
	bs, _ := items(b.Path("Principal", "Member"))
	for _, x := range as[:min(len(as), maxMembers)] {
		if x.Unknown && len(x.Refs) == 0 && x.Why == "" {
			continue
		}
		for _, y := range bs[:min(len(bs), maxMembers)] {
			if resource.Equal(x, y) {
				return true
			}
		}
	}
	return false
}
