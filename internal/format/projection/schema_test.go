package projection

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestSchemaRefusesMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"A\n  x\nA\n  y\n":                          "starts no new type",
		"  x\n":                                     "settings of no type",
		"kind a : v1 A cluster B\n":                 "there is no type B",
		"kind a : v1 A nowhere B\nB\n  x\n":         "a kind has",
		"kind a a : v1 A cluster B\nB\n  x\n":       "a is named twice",
		"kind a : v1 A cluster B\nB\n  x x\n":       "x is named twice",
		"kind a : v1 A cluster B\nB\n  x\nC\n  y\n": "nothing is of the type C",
		"kind a : v1 A cluster B\nB\n  x=D\n":       "there is no type D",
	} {
		if _, err := parseSchema(text, camel, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, not %q", text, err, want)
		}
	}
}

func TestCamel(t *testing.T) {
	for in, want := range map[string]string{
		"name": "name", "run_as_non_root": "runAsNonRoot", "se_linux_options": "seLinuxOptions", "tls": "tls", "ipv6_cidr": "ipv6Cidr",
	} {
		if got := camel(in); got != want {
			t.Errorf("camel(%q) = %q, want %q", in, got, want)
		}
	}
}

// source writes a block that has every setting of a type, types within
// themselves left out.
func (o *object) source(b *strings.Builder, indent string, above []*object) {
	for _, a := range above {
		if a == o {
			return
		}
	}
	above = append(above, o)
	for _, c := range o.settings {
		if c.form == plain {
			value := map[string]string{
				"int": `"7"`, "bool": `"true"`, "str": "8", "strs": `{ a = true, b = "c" }`, "port": `"http"`, "mode": `"0644"`, "": `"x"`,
			}[c.conv]
			fmt.Fprintf(b, "%s%s = %s\n", indent, c.from, value)
			continue
		}
		n := 1
		if c.form == many {
			n = 2
		}
		for range n {
			fmt.Fprintf(b, "%s%s {\n", indent, c.from)
			c.of.source(b, indent+"  ", above)
			fmt.Fprintf(b, "%s}\n", indent)
		}
	}
}

// TestEverySetting writes each kind with every setting that the table has, reads
// it with the reader of Terraform, and holds that all of them arrive under the
// API's names, at the places where they are written, and that their paths lead
// back.
func TestEverySetting(t *testing.T) {
	s := kubernetesSchema()
	var names []string
	for from := range s.kinds {
		names = append(names, from)
	}
	sort.Strings(names)
	for _, from := range names {
		t.Run(from, func(t *testing.T) {
			k := s.kinds[from]
			var b strings.Builder
			fmt.Fprintf(&b, "resource %q \"x\" {\n", from)
			k.of.source(&b, "  ", nil)
			b.WriteString("}\n")
			r := readTerraform(t, b.String())[0]
			if r.Platform != resource.Kubernetes || r.Kind != k.name || r.Format != terraform.Name || r.ID != from+".x" {
				t.Fatalf("it is %s %s of %s, called %s", r.Platform, r.Kind, r.Format, r.ID)
			}
			k.of.arrived(t, r.Root, "", nil)
			leadsBack(t, r, false)
		})
	}
}

// arrived holds that n has all that source wrote.
func (o *object) arrived(t *testing.T, n *resource.Node, at string, above []*object) {
	for _, a := range above {
		if a == o {
			return
		}
	}
	above = append(above, o)
	for _, c := range o.settings {
		if c.form == inline {
			c.of.arrived(t, n, at, above)
			continue
		}
		v := n.Get(c.to)
		where := at + "." + c.to
		if v == nil {
			t.Errorf("%s is missing", where)
			continue
		}
		want := map[string]any{"int": int64(7), "bool": true, "str": "8", "port": "http", "mode": int64(0o644), "": "x"}[c.conv]
		switch {
		case c.form == single:
			c.of.arrived(t, v, where, above)
		case c.form == many && len(v.Items) != 2:
			t.Errorf("%s has %d items", where, len(v.Items))
		case c.form == many:
			c.of.arrived(t, v.Items[0], where+"[0]", above)
			c.of.arrived(t, v.Items[1], where+"[1]", above)
		case c.conv == "strs" && (v.Get("a").Str() != "true" || v.Get("b").Str() != "c"):
			t.Errorf("%s is no map of text", where)
		case c.conv != "strs" && v.Value != want:
			t.Errorf("%s is %v, want %v", where, v.Value, want)
		}
	}
}

// leadsBack holds that the path of every node that is written somewhere leads to
// that place in the resource as it was read. What is decided elsewhere may be
// refused.
func leadsBack(t *testing.T, r *resource.Resource, refused bool) {
	t.Helper()
	resource.Walk(r.Root, func(p resource.Path, n *resource.Node) bool {
		if n == r.Root || n.Range == r.Head || n.Range == n.KeyRange || n.KeyRange.IsZero() && len(p) > 0 && p[len(p)-1].Name != "" {
			return n == r.Root // said by the projection, not written
		}
		back, err := r.Written.Path(p)
		if err != nil {
			if !refused {
				t.Errorf("%s: %v", p, err)
			}
			return false
		}
		w, steps := back.At(r.Written.Resource.Root)
		if steps != len(back) || w.Range != n.Range && !(len(w.Items) > 0 && w.Items[0].Range == n.Range) {
			t.Errorf("%s leads to %s, which is at %v and not at %v", p, back, w.Range, n.Range)
		}
		return true
	})
}

func readTerraform(t testing.TB, src string) []*resource.Resource {
	t.Helper()
	fsys := fstest.MapFS{"main.tf": {Data: []byte(src)}}
	rs, ds := terraform.New().Read(t.Context(), format.Unit{
		ID: "terraform:.", Format: terraform.Name, Dir: ".", Files: []string{"main.tf"}, FS: fsys,
	})
	rs, more := All(rs)
	for _, d := range append(ds, more...) {
		t.Error(d)
	}
	if len(rs) == 0 {
		t.Fatal("nothing was read")
	}
	return rs
}
