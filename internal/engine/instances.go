package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxInstances bounds how many instances a message names.
const maxInstances = 5

// instancePlace is where a finding of a Terraform resource stands, for all instances
// that count, for_each or several calls of a module make of one block.
type instancePlace struct {
	rule, unit, path, item string
	check                  int
	state                  State
	at                     source.Range
}

// mergeInstances makes one finding of those that the instances of one block
// have at one place: there is one thing to mend. The first keeps its
// fingerprint and its message, which then names the others.
func mergeInstances(fs []Finding) []Finding {
	first := map[instancePlace]int{}
	others := map[int][]string{}
	out := fs[:0]
	for _, f := range fs {
		if !instantiated(f.Resource) || f.Range.IsZero() {
			out = append(out, f)
			continue
		}
		key := instancePlace{
			rule: f.Rule.ID, unit: f.Resource.Unit, path: f.Path.String(), item: blockName(f.Resource),
			check: f.Check, state: f.State, at: f.Range,
		}
		if f.inner != "" || f.Resource.Platform == resource.NodeBootstrap {
			// The document is one, whatever takes it: a policy, a script.
			key.item, key.check = "", 0
			if f.inner != "" {
				key.path = f.inner
			}
		}
		i, again := first[key]
		if again && (documentAlone(f.Resource) || documentAlone(out[i].Resource)) {
			if documentAlone(out[i].Resource) {
				out[i] = f
			}
			continue
		}
		if again && out[i].Resource.ID != f.Resource.ID {
			others[i] = append(others[i], instanceName(out[i].Resource.ID, f.Resource.ID))
			out[i].standFor(f)
			continue
		}
		if !again {
			first[key] = len(out)
		}
		out = append(out, f)
	}
	for i, names := range others {
		out[i].Message += " (also " + listNames(names) + ")"
	}
	return out
}

// documentAlone reports whether a resource is nothing but a policy for others to
// take; who takes it says more.
func documentAlone(r *resource.Resource) bool { return r.Kind == policyData }

// instantiated reports whether one block may make many of the resource, or hand
// one script to many.
func instantiated(r *resource.Resource) bool {
	return r.Platform == resource.NodeBootstrap || r.Platform == resource.Terraform || r.Format == resource.Terraform || r.Format == resource.TerraformPlan
}

// blockName names the block that a resource was read from.
func blockName(r *resource.Resource) string {
	r = r.AsWritten()
	return r.Kind + "." + r.Name
}

func listNames(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	if more := len(names) - maxInstances; more > 0 {
		names = append(names[:maxInstances:maxInstances], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// instanceName names an instance beside another: by its key alone where the
// addresses differ in nothing else.
func instanceName(first, other string) string {
	a, akey := cutKey(first)
	b, bkey := cutKey(other)
	if a == b && akey != "" && bkey != "" {
		return cutText(bkey, 60)
	}
	return cutText(other, 120)
}

// cutKey parts an address from its last instance key: aws_subnet.a and ["x"].
func cutKey(address string) (string, string) {
	if !strings.HasSuffix(address, "]") {
		return address, ""
	}
	i := strings.LastIndexByte(address, '[')
	if strings.HasSuffix(address, `"]`) {
		i = strings.LastIndex(address, `["`)
	}
	if i < 0 {
		return address, ""
	}
	return address[:i], address[i:]
}

// mergeUnknown keeps one of what several instances of a block say alike.
func mergeUnknown(us []NotEvaluated) []NotEvaluated {
	type key struct {
		rule, unit, why, path string
		at                    source.Range
	}
	seen := make(map[key]bool, len(us))
	out := us[:0]
	for _, u := range us {
		k := key{u.Rule.ID, u.Resource.Known().Unit, u.Why, u.Path.String(), u.Range}
		if u.inner != "" {
			k.path = u.inner
		}
		if (instantiated(u.Resource) || shared(u.Resource)) && !u.Range.IsZero() {
			if seen[k] {
				continue
			}
			seen[k] = true
		}
		out = append(out, u)
	}
	return out
}
