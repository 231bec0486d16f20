package projection

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden projects what the files of each archive say and compares all that
// comes of it with the file "want": every value with the text that stands at its
// place. What is written leads back to where it is written.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" }); i >= 0 {
				want = string(a.Files[i].Data)
				a.Files = slices.Delete(a.Files, i, i+1)
			}
			got := projected(t, a)
			if *update {
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// projected reads the Terraform and the manifests of an archive, and writes what
// they are projected to.
func projected(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	fsys := fstest.MapFS{}
	src := map[string]string{}
	units := map[string]*format.Unit{
		terraform.Name:  {ID: "terraform:.", Format: terraform.Name, Dir: ".", FS: fsys},
		kubernetes.Name: {ID: "kubernetes:.", Format: kubernetes.Name, Dir: ".", FS: fsys},
	}
	for _, f := range a.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
		src[f.Name] = string(f.Data)
		switch {
		case strings.HasPrefix(f.Name, "read/"):
		case strings.HasSuffix(f.Name, ".tf") || strings.HasSuffix(f.Name, ".tf.json"):
			units[terraform.Name].Files = append(units[terraform.Name].Files, f.Name)
		default:
			units[kubernetes.Name].Files = append(units[kubernetes.Name].Files, f.Name)
		}
	}
	var b strings.Builder
	for _, reader := range []struct {
		name string
		format.Reader
	}{{terraform.Name, terraform.New()}, {kubernetes.Name, kubernetes.New()}} {
		u := *units[reader.name]
		if len(u.Files) == 0 {
			continue
		}
		rs, ds := reader.Read(t.Context(), u)
		rs, more := All(rs)
		for _, r := range rs {
			if r.Written == nil {
				continue
			}
			fmt.Fprintf(&b, "%s\n= %s %s", r.ID, r.Platform, r.Kind)
			if r.Platform == resource.Kubernetes {
				fmt.Fprintf(&b, " of %q %s in %q", r.Group, r.Version, r.Namespace)
			}
			fmt.Fprintf(&b, " named %q\n", r.Name)
			dump(&b, src, r.Root, "  ")
			leadsBack(t, r, true)
		}
		for _, d := range append(ds, more...) {
			fmt.Fprintf(&b, "%s\n", d)
		}
	}
	return b.String()
}

// dump writes the fields or items of n with the text at their places.
func dump(b *strings.Builder, src map[string]string, n *resource.Node, indent string) {
	line := func(name string, c *resource.Node) {
		b.WriteString(indent + name)
		switch {
		case c.Unknown:
			fmt.Fprintf(b, " unknown (%s)", c.Why)
			if len(c.Refs) > 0 {
				fmt.Fprintf(b, " of %s", strings.Join(c.Refs, ", "))
			}
		case c.Kind == resource.Map || c.Kind == resource.List:
			if c.Block {
				b.WriteString(" block")
			}
			if c.Kind == resource.List {
				b.WriteString(" list")
			}
			if c.Partial {
				b.WriteString(" in part")
			}
		default:
			fmt.Fprintf(b, " = %#v", c.Value)
		}
		if c.Kind != resource.Map && c.Kind != resource.List || c.Unknown {
			text := src[c.Range.File]
			if !c.Range.IsZero() {
				text = text[c.Range.Start.Byte:c.Range.End.Byte]
			}
			text, _, more := strings.Cut(text, "\n")
			if more {
				text += " …"
			}
			fmt.Fprintf(b, " ‹%s›", text)
		}
		b.WriteByte('\n')
		dump(b, src, c, indent+"  ")
		if c.Embedded != nil {
			b.WriteString(indent + "  says\n")
			dump(b, src, c.Embedded, indent+"    ")
		}
	}
	for _, f := range n.Fields {
		line(f.Name, f.Node)
	}
	for i, it := range n.Items {
		line(fmt.Sprintf("[%d]", i), it)
	}
}
