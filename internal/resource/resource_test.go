package resource_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func str(s string) *resource.Node { return &resource.Node{Kind: resource.String, Value: s} }

func list(items ...*resource.Node) *resource.Node {
	return &resource.Node{Kind: resource.List, Items: items}
}

// object makes a map of names and nodes by turns.
func object(fields ...any) *resource.Node {
	n := &resource.Node{Kind: resource.Map}
	for i := 0; i < len(fields); i += 2 {
		n.Fields = append(n.Fields, resource.Field{Name: fields[i].(string), Node: fields[i+1].(*resource.Node)})
	}
	return n
}

func pod() *resource.Node {
	return object("spec", object(
		"containers", list(object("name", str("a"), "image", str("i")), object("image", str("j"))),
		"a.b", object("c d", str("e")),
	))
}

func TestGet(t *testing.T) {
	root := pod()
	if got := root.Path("spec", "a.b", "c d").Str(); got != "e" {
		t.Errorf("got %q", got)
	}
	for name, n := range map[string]*resource.Node{
		"missing":          root.Get("nothing"),
		"below missing":    root.Path("nothing", "at", "all"),
		"below a list":     root.Path("spec", "containers", "name"),
		"below a scalar":   str("a").Get("b"),
		"below nil":        (*resource.Node)(nil).Get("a"),
		"no name in a map": root.Get(""),
	} {
		if n != nil {
			t.Errorf("%s: got %v", name, n)
		}
	}
	unknown := &resource.Node{Kind: resource.String, Value: "guess", Unknown: true}
	for name, n := range map[string]*resource.Node{"nil": nil, "unknown": unknown, "int": {Kind: resource.Int, Value: int64(1)}, "map": root} {
		if got := n.Str(); got != "" {
			t.Errorf("Str of %s gave %q", name, got)
		}
	}
}

func TestEqual(t *testing.T) {
	i := func(v int64) *resource.Node { return &resource.Node{Kind: resource.Int, Value: v} }
	unknown := func(why string) *resource.Node { return &resource.Node{Unknown: true, Why: why} }
	moved := str("a")
	moved.Range = source.Range{File: "f", Start: source.Pos{Line: 9}}
	moved.Origins = []source.Range{moved.Range}
	embedded := func(text string, n *resource.Node) *resource.Node {
		s := str(text)
		s.Embedded = n
		return s
	}
	partial := list(i(1))
	partial.Partial = true
	for _, c := range []struct {
		name string
		a, b *resource.Node
		want bool
	}{
		{"nil and nil", nil, nil, true},
		{"nil and null", nil, &resource.Node{}, false},
		{"null and null", &resource.Node{}, &resource.Node{}, true},
		{"null and unknown", &resource.Node{}, unknown("a"), false},
		{"scalars", i(1), i(1), true},
		{"other scalars", i(1), i(2), false},
		{"kinds", i(1), &resource.Node{Kind: resource.Float, Value: 1.0}, false},
		{"places do not count", str("a"), moved, true},
		{"order of fields does not count", object("a", i(1), "b", i(2)), object("b", i(2), "a", i(1)), true},
		{"a field more", object("a", i(1)), object("a", i(1), "b", i(2)), false},
		{"a field of another name", object("a", i(1)), object("b", i(1)), false},
		{"a field of another value", object("a", i(1)), object("a", i(2)), false},
		{"order of items counts", list(i(1), i(2)), list(i(2), i(1)), false},
		{"an item more", list(i(1)), list(i(1), i(1)), false},
		{"deep", pod(), pod(), true},
		{"unknown for one reason", unknown("a"), unknown("a"), true},
		{"unknown for two reasons", unknown("a"), unknown("b"), false},
		{"partial and whole", partial, list(i(1)), false},
		{"embedded documents written differently", embedded("{ }", object()), embedded("{}", object()), true},
		{"embedded documents that differ", embedded("{}", object()), embedded("{}", list()), false},
		{"embedded in one alone", embedded("{}", object()), str("{}"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := resource.Equal(c.a, c.b); got != c.want {
				t.Errorf("got %v", got)
			}
			if got := resource.Equal(c.b, c.a); got != c.want {
				t.Errorf("the other way round got %v", got)
			}
		})
	}
}

func path(steps ...any) resource.Path {
	var p resource.Path
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			p = append(p, resource.Step{Name: s})
		case int:
			p = append(p, resource.Step{Index: s})
		}
	}
	return p
}

func TestPath(t *testing.T) {
	root := pod()
	for _, c := range []struct {
		path         resource.Path
		text, stable string
		steps        int // that At can take
	}{
		{nil, "", "", 0},
		{path("spec"), "spec", "spec", 1},
		{path("spec", "containers", 0, "image"), "spec.containers[0].image", "spec.containers[name=a].image", 4},
		{path("spec", "containers", 1, "image"), "spec.containers[1].image", "spec.containers[*].image", 4},
		{path("spec", "containers", 2, "image"), "spec.containers[2].image", "spec.containers[*].image", 2},
		{path("spec", "containers", -1), "spec.containers[-1]", "spec.containers[*]", 2},
		{path("spec", "a.b", "c d"), `spec["a.b"]["c d"]`, "spec.a.b.c d", 3},
		{path("nothing", 0, "x"), "nothing[0].x", "nothing[*].x", 0},
		{path("spec", 0), "spec[0]", "spec[*]", 1},
		{path("a\nb"), `["a\nb"]`, "a\nb", 0},
		{path(`q"`), `["q\""]`, `q"`, 0},
	} {
		if got := c.path.String(); got != c.text {
			t.Errorf("got %q, want %q", got, c.text)
		}
		if got := c.path.Stable(root); got != c.stable {
			t.Errorf("%s: stable %q, want %q", c.text, got, c.stable)
		}
		n, steps := c.path.At(root)
		if steps != c.steps {
			t.Errorf("%s: At took %d steps, want %d", c.text, steps, c.steps)
		}
		if again, _ := c.path[:steps].At(root); n == nil || n != again {
			t.Errorf("%s: At gave another node than the path to it", c.text)
		}
	}
	if n, steps := path(0, "a").At(nil); n != nil || steps != 0 {
		t.Errorf("At of nil gave %v after %d steps", n, steps)
	}
}

func TestWalk(t *testing.T) {
	var got []string
	resource.Walk(pod(), func(p resource.Path, n *resource.Node) bool {
		got = append(got, p.String()+" "+n.Kind.String())
		return len(p) == 0 || p[len(p)-1].Name != "a.b"
	})
	want := []string{
		" map", "spec map", "spec.containers list",
		"spec.containers[0] map", "spec.containers[0].name string", "spec.containers[0].image string",
		"spec.containers[1] map", "spec.containers[1].image string", `spec["a.b"] map`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	resource.Walk(nil, func(resource.Path, *resource.Node) bool {
		t.Error("visited something below nil")
		return true
	})
}

// TestEqualOfLargeMaps would take minutes if it took quadratic time.
func TestEqualOfLargeMaps(t *testing.T) {
	const size = 200_000
	a, b := object(), object()
	for i := range size {
		a.Fields = append(a.Fields, resource.Field{Name: strconv.Itoa(i), Node: str("x")})
		b.Fields = append(b.Fields, resource.Field{Name: strconv.Itoa(size - 1 - i), Node: str("x")})
	}
	if !resource.Equal(a, b) {
		t.Error("the same fields in another order are not equal")
	}
	b.Fields[size/2].Node = str("y")
	if resource.Equal(a, b) {
		t.Error("a field that differs was not seen")
	}
}

func TestKindString(t *testing.T) {
	var got []string
	for k := resource.Null; k <= resource.Map; k++ {
		got = append(got, k.String())
	}
	if s := strings.Join(got, " "); s != "null bool int float string list map" {
		t.Error(s)
	}
}

func TestEqualOfDocumentsKnownInPart(t *testing.T) {
	policy := func(effect string) *resource.Node {
		doc := &resource.Node{Kind: resource.Map, Fields: []resource.Field{
			{Name: "Effect", Node: &resource.Node{Kind: resource.String, Value: effect}},
			{Name: "Resource", Node: &resource.Node{Kind: resource.String, Unknown: true, Why: "aws_s3_bucket.b.arn"}},
		}}
		return &resource.Node{Kind: resource.String, Unknown: true, Why: "aws_s3_bucket.b.arn", Embedded: doc}
	}
	if !resource.Equal(policy("Allow"), policy("Allow")) {
		t.Error("equal documents are taken for different ones")
	}
	if resource.Equal(policy("Allow"), policy("Deny")) {
		t.Error("a change within a document that is known in part goes unseen")
	}
}
