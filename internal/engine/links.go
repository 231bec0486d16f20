package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const gatewayGroup = "gateway.networking.k8s.io"

// unitKey is a unit together with a platform: links reach no further.
type unitKey struct{ unit, platform string }

func unitOf(r *resource.Resource) unitKey { return unitKey{r.Unit, r.Platform} }

// neighbours are the resources of one side of the change, for look-ups by kind.
// It is read-only once it is made.
type neighbours map[unitKey]map[string][]*resource.Resource

// add files a resource under its kind, and under its group and kind.
func (n neighbours) add(r *resource.Resource) {
	k := unitOf(r)
	byKind := n[k]
	if byKind == nil {
		byKind = map[string][]*resource.Resource{}
		n[k] = byKind
	}
	byKind[r.Kind] = append(byKind[r.Kind], r)
	if r.Group != "" {
		byKind[r.Group+"/"+r.Kind] = append(byKind[r.Group+"/"+r.Kind], r)
	}
}

// of gives the resources of a kind that may stand in a relation with res: in
// its unit, and for Kubernetes in its namespace as far as both say theirs.
func (n neighbours) of(res *resource.Resource, kind string) []*resource.Resource {
	all := n[unitOf(res)][kind]
	if res.Platform != resource.Kubernetes || res.Namespace == "" {
		return all
	}
	for i, r := range all {
		if apart(res, r) {
			out := slices.Clone(all[:i])
			for _, r := range all[i:] {
				if !apart(res, r) {
					out = append(out, r)
				}
			}
			return out
		}
	}
	return all
}

// apart reports whether two resources are in namespaces that have nothing to do with
// each other. Routes of the Gateway API name gateways of other namespaces.
func apart(a, b *resource.Resource) bool {
	if a.Group == gatewayGroup && b.Group == gatewayGroup {
		return false
	}
	return a.Namespace != "" && b.Namespace != "" && a.Namespace != b.Namespace
}

// links is what an evaluation knows of the relations between resources. It is
// made only where a check that applies asks for them.
type links struct {
	head, base neighbours
	// moved are the changes other than Unchanged of each unit, for the checks
	// that look at them.
	moved map[unitKey][]change.ResourceChange
}

// newLinks gathers what the checks' links may ask for.
func newLinks(opt *Options, changes []change.ResourceChange) *links {
	l := &links{head: neighbours{}, base: neighbours{}, moved: map[unitKey][]change.ResourceChange{}}
	for _, c := range changes {
		if c.After != nil {
			l.head.add(c.After)
		}
		if c.Before != nil {
			l.base.add(c.Before)
		}
		if c.Kind == change.Unchanged {
			continue
		}
		var first unitKey
		if c.After != nil {
			first = unitOf(c.After)
			l.moved[first] = append(l.moved[first], c)
		}
		if c.Before != nil {
			if k := unitOf(c.Before); c.After == nil || k != first {
				l.moved[k] = append(l.moved[k], c)
			}
		}
	}
	for _, r := range opt.Beside {
		l.head.add(r)
	}
	return l
}

// causes are the changes that may have made a check come out otherwise for a
// resource that did not change itself: those of the resources that the check
// looks at, the removed ones first.
func (l *links) causes(res *resource.Resource, links []string) []change.ResourceChange {
	var out []change.ResourceChange
	for _, c := range l.moved[unitOf(res)] {
		if linksTo(links, c.Resource()) && !apart(res, c.Resource()) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, compareCauses)
	return out
}

// bears reports whether there are any.
func (l *links) bears(res *resource.Resource, links []string) bool {
	return slices.ContainsFunc(l.moved[unitOf(res)], func(c change.ResourceChange) bool {
		return linksTo(links, c.Resource()) && !apart(res, c.Resource())
	})
}

// undone gives the look-up of what stands beside a resource with one change
// left out.
func undone(near rule.Linked, c change.ResourceChange) rule.Linked {
	return func(kind string) []*resource.Resource {
		rs := near(kind)
		if !linksTo([]string{kind}, c.Resource()) {
			return rs
		}
		out := make([]*resource.Resource, 0, len(rs)+1)
		for _, r := range rs {
			if r != c.After {
				out = append(out, r)
			}
		}
		if c.Before != nil {
			out = append(out, c.Before)
		}
		return out
	}
}

func compareCauses(a, b change.ResourceChange) int {
	weight := map[change.Kind]int{change.Removed: 0, change.Modified: 1, change.Added: 2}
	return cmp.Or(cmp.Compare(weight[a.Kind], weight[b.Kind]), strings.Compare(a.Resource().ID, b.Resource().ID))
}

// linksTo reports whether a list of kinds names the kind of a resource.
func linksTo(kinds []string, r *resource.Resource) bool {
	return slices.ContainsFunc(kinds, func(k string) bool {
		return k == r.Kind || r.Group != "" && k == r.Group+"/"+r.Kind
	})
}

// bearing gives the checks of an unchanged resource that a change of another
// resource may have decided anew.
func (r *run) bearing(c change.ResourceChange) []activeCheck {
	if r.links == nil || len(r.links.moved) == 0 {
		return nil
	}
	var out []activeCheck
	for _, ch := range r.checks[keyOf(c.After)] {
		if beside := ch.spec().Beside(); len(beside) > 0 && r.links.bears(c.After, beside) {
			out = append(out, ch)
		}
	}
	return out
}

// whole leaves out the checks that look beside a resource of whose unit not
// all was read: they could not know.
func (r *run) whole(res *resource.Resource, checks []activeCheck) ([]activeCheck, bool) {
	if !r.opt.Partial[res.Unit] || !slices.ContainsFunc(checks, linking) {
		return checks, true
	}
	return slices.DeleteFunc(slices.Clone(checks), linking), false
}

func linking(c activeCheck) bool { return len(c.spec().Beside()) > 0 }

// near gives the look-up of what stands beside a resource on its side of the
// change; nil where no check asks.
func (r *run) near(res *resource.Resource, base bool) rule.Linked {
	if r.links == nil || res == nil {
		return nil
	}
	n := r.links.head
	if base {
		n = r.links.base
	}
	return func(kind string) []*resource.Resource { return n.of(res, kind) }
}

// blame says where a finding that another resource's change brought about is to
// be mended: at that resource, and there at what changed, where that is one
// setting. The unchanged one becomes an origin.
func (f *Finding) blame(c change.ResourceChange) {
	r := c.Resource()
	at := r.Head
	if at.IsZero() {
		at = r.Range
	}
	if c.Kind == change.Modified {
		moved := movings(c.After.Root, c.Before.Root)
		for _, m := range moved[:min(len(moved), maxTurnings)] {
			f.Turned = append(f.Turned, m.turning())
		}
		if len(f.Turned) == 1 && !f.Turned[0].OnBase && len(f.Turned[0].At) > 0 {
			at = f.Turned[0].At[0]
		}
	}
	f.Origins = append([]source.Range{f.Range}, f.Origins...)
	f.Range, f.Cause, f.OnBase = at, r, c.Kind == change.Removed
}
