package change_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func str(s string) *resource.Node { return &resource.Node{Kind: resource.String, Value: s} }

func fields(kv ...any) *resource.Node {
	n := &resource.Node{Kind: resource.Map}
	for i := 0; i < len(kv); i += 2 {
		v, ok := kv[i+1].(*resource.Node)
		if !ok {
			v = str(fmt.Sprint(kv[i+1]))
		}
		n.Fields = append(n.Fields, resource.Field{Name: kv[i].(string), Node: v})
	}
	return n
}

// at puts a resource at a line of a file.
func at(r *resource.Resource, file string, line int) *resource.Resource {
	r.Range = source.Range{File: file, Start: source.Pos{Line: line, Column: 1, Byte: line * 10}}
	return r
}

func deployment(unit, name, image string, more ...any) *resource.Resource {
	spec := fields(append([]any{"image", image, "replicas", "2", "user", "1000", "port", "80"}, more...)...)
	return &resource.Resource{
		ID: "apps/v1/Deployment/shop/" + name, Platform: resource.Kubernetes, Kind: "Deployment", Group: "apps", Version: "v1",
		Name: name, Namespace: "shop", Unit: "kubernetes:" + unit,
		Root: fields("apiVersion", "apps/v1", "kind", "Deployment", "metadata", fields("name", name, "namespace", "shop"), "spec", spec),
	}
}

func show(cs []change.ResourceChange) string {
	var b strings.Builder
	for _, c := range cs {
		side := func(r *resource.Resource) string {
			if r == nil {
				return "-"
			}
			return strings.TrimPrefix(r.Unit, "kubernetes:") + "/" + r.Name
		}
		fmt.Fprintf(&b, "%s %s %s\n", c.Kind, side(c.Before), side(c.After))
	}
	return b.String()
}

func TestPair(t *testing.T) {
	namespace := func(name string) *resource.Resource {
		return &resource.Resource{
			ID: "v1/Namespace/" + name, Platform: resource.Kubernetes, Kind: "Namespace", Name: name, Unit: "kubernetes:a",
			Root: fields("apiVersion", "v1", "kind", "Namespace", "metadata", fields("name", name)),
		}
	}
	bumped := deployment("a", "api", "x:1")
	bumped.ID, bumped.Version = "apps/v2/Deployment/shop/api", "v2"
	bucket := func(unit string, settings ...any) *resource.Resource {
		return &resource.Resource{ID: "aws_s3_bucket.this", Platform: resource.Terraform, Kind: "aws_s3_bucket", Name: "this", Unit: unit, Root: fields(settings...)}
	}
	tests := []struct {
		name       string
		base, head []*resource.Resource
		want       string
	}{
		{"nothing", nil, nil, ""},
		{"added", nil, []*resource.Resource{deployment("a", "api", "x:1")}, "added - a/api\n"},
		{"removed", []*resource.Resource{deployment("a", "api", "x:1")}, nil, "removed a/api -\n"},
		{
			"modified and unchanged in the head's order, removed last",
			[]*resource.Resource{at(deployment("a", "api", "x:1"), "a.yaml", 1), at(deployment("a", "web", "x:1"), "a.yaml", 9), at(namespace("n"), "0.yaml", 1)},
			[]*resource.Resource{at(deployment("a", "web", "x:2"), "z.yaml", 3), at(deployment("a", "api", "x:1"), "z.yaml", 1)},
			"unchanged a/api a/api\nmodified a/web a/web\nremoved a/n -\n",
		},
		{
			"moved to another folder",
			[]*resource.Resource{deployment("a", "api", "x:1")},
			[]*resource.Resource{deployment("b", "api", "x:1")},
			"unchanged a/api b/api\n",
		},
		{
			"copied to another folder is new",
			[]*resource.Resource{deployment("a", "api", "x:1")},
			[]*resource.Resource{deployment("a", "api", "x:1"), deployment("b", "api", "x:1")},
			"unchanged a/api a/api\nadded - b/api\n",
		},
		{
			"another version of its API",
			[]*resource.Resource{deployment("a", "api", "x:1")},
			[]*resource.Resource{bumped},
			"unchanged a/api a/api\n",
		},
		{
			"renamed and changed",
			[]*resource.Resource{deployment("a", "api", "x:1"), deployment("a", "web", "y:1", "shell", "1", "tty", "1")},
			[]*resource.Resource{deployment("a", "frontend", "y:2", "shell", "1", "tty", "1")},
			"modified a/web a/frontend\nremoved a/api -\n",
		},
		{
			"too different for a rename",
			[]*resource.Resource{deployment("a", "api", "x:1", "a", "1", "b", "1", "c", "1", "d", "1")},
			[]*resource.Resource{deployment("a", "web", "y:1", "e", "1", "f", "1", "g", "1", "h", "1")},
			"added - a/web\nremoved a/api -\n",
		},
		{
			"what says nothing but its name is not renamed",
			[]*resource.Resource{namespace("one")},
			[]*resource.Resource{namespace("two")},
			"added - a/two\nremoved a/one -\n",
		},
		{
			"one name of Terraform in two modules means nothing by itself",
			[]*resource.Resource{bucket("terraform:a", "bucket", "logs", "acl", "private", "x", "1")},
			[]*resource.Resource{bucket("terraform:b", "bucket", "public", "acl", "open", "y", "1")},
			"added - terraform:b/this\nremoved terraform:a/this -\n",
		},
		{
			"but with like settings it has moved",
			[]*resource.Resource{bucket("terraform:a", "bucket", "logs", "acl", "private")},
			[]*resource.Resource{bucket("terraform:b", "bucket", "logs", "acl", "open")},
			"modified terraform:a/this terraform:b/this\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(change.Pair(tt.base, tt.head)); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// world makes two lists of resources of which many are alike.
func world(r *rand.Rand) (base, head []*resource.Resource) {
	side := func() []*resource.Resource {
		seen := map[string]bool{}
		var out []*resource.Resource
		for range r.IntN(12) {
			unit, name := string(rune('a'+r.IntN(3))), string(rune('p'+r.IntN(6)))
			if seen[unit+name] {
				continue
			}
			seen[unit+name] = true
			d := deployment(unit, name, fmt.Sprintf("x:%d", r.IntN(3)), "extra", r.IntN(2), "more", r.IntN(2))
			out = append(out, at(d, unit+".yaml", 1+r.IntN(30)))
		}
		return out
	}
	return side(), side()
}

func pairs(cs []change.ResourceChange, swapped bool) []string {
	var out []string
	for _, c := range cs {
		b, h := c.Before, c.After
		kind := c.Kind
		if swapped {
			b, h = h, b
			switch kind {
			case change.Added:
				kind = change.Removed
			case change.Removed:
				kind = change.Added
			}
		}
		out = append(out, fmt.Sprintf("%s %p %p", kind, b, h))
	}
	slices.Sort(out)
	return out
}

func TestPairIsIndependentOfOrderAndSide(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		base, head := world(r)
		want := change.Pair(base, head)
		b2, h2 := slices.Clone(base), slices.Clone(head)
		r.Shuffle(len(b2), func(i, j int) { b2[i], b2[j] = b2[j], b2[i] })
		r.Shuffle(len(h2), func(i, j int) { h2[i], h2[j] = h2[j], h2[i] })
		if got := change.Pair(b2, h2); show(got) != show(want) || !slices.Equal(pairs(got, false), pairs(want, false)) {
			t.Fatalf("another order of the arguments gives\n%swant\n%s", show(got), show(want))
		}
		if got := change.Pair(head, base); !slices.Equal(pairs(got, true), pairs(want, false)) {
			t.Fatalf("swapped\n%swant the reverse of\n%s", show(got), show(want))
		}
		seen := map[*resource.Resource]int{}
		for _, c := range want {
			for _, x := range []*resource.Resource{c.Before, c.After} {
				if x != nil {
					seen[x]++
				}
			}
		}
		for _, x := range append(base, head...) {
			if seen[x] != 1 {
				t.Fatalf("%s stands in %d changes", x.ID, seen[x])
			}
		}
	}
}

// TestPairManyRenames has so many leftovers of one kind that only equal ones
// are paired.
func TestPairManyRenames(t *testing.T) {
	var base, head []*resource.Resource
	for i := range 600 {
		base = append(base, deployment("a", fmt.Sprintf("old-%03d", i), fmt.Sprintf("x:%d", i)))
		head = append(head, deployment("a", fmt.Sprintf("new-%03d", i), fmt.Sprintf("x:%d", i)))
	}
	got := change.Pair(base, head)
	if len(got) != 600 {
		t.Fatalf("%d changes, want 600", len(got))
	}
	for _, c := range got {
		if c.Before == nil || c.Before.Name[4:] != c.After.Name[4:] {
			t.Fatalf("%v became %s", c.Before, c.After.Name)
		}
	}
}

func BenchmarkPair(b *testing.B) {
	var base, head []*resource.Resource
	for i := range 2000 {
		base = append(base, deployment("a", fmt.Sprintf("n-%04d", i), "x:1"))
		head = append(head, deployment("a", fmt.Sprintf("n-%04d", i+100), "x:1"))
	}
	b.ReportAllocs()
	for b.Loop() {
		change.Pair(base, head)
	}
}
