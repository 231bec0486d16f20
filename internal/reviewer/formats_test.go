package reviewer_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// TestFormats reads each tree in testdata/formats as a scan does. Each is a txtar
// whose file paths, where there is one, says what the scan is asked for, whose
// file ask names values, a line each as "ID path", and whose file want has the
// resources, those values, and the diagnostics.
func TestFormats(t *testing.T) {
	opt := lean(t)
	opt.Rules = nil
	for _, name := range cases(t, "formats") {
		t.Run(name, func(t *testing.T) {
			file := "../../testdata/formats/" + name + ".txtar"
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ar := txtar.Parse(data)
			tree, ask, want, paths := fstest.MapFS{}, "", -1, []string{"."}
			for i, f := range ar.Files {
				switch f.Name {
				case "want":
					want = i
				case "paths":
					paths = strings.Fields(string(f.Data))
				case "ask":
					ask = string(f.Data)
				default:
					tree[f.Name] = &fstest.MapFile{Data: f.Data}
				}
			}
			s, err := reviewer.Scan(t.Context(), opt, tree, paths)
			if err != nil {
				t.Fatal(err)
			}
			got := reading(t, s, ask)
			if *update {
				if want < 0 {
					ar.Files = append(ar.Files, txtar.File{Name: "want"})
					want = len(ar.Files) - 1
				}
				ar.Files[want].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatal("no file named want; run go test ./internal/reviewer -run TestFormats -update")
			}
			if d := cmp.Diff(string(ar.Files[want].Data), got); d != "" {
				t.Errorf("not as wanted (-want +got):\n%s", d)
			}
		})
	}
}

// reading writes what a scan read.
func reading(t *testing.T, s *reviewer.Session, ask string) string {
	t.Helper()
	var b strings.Builder
	byID := map[string][]*resource.Resource{}
	for _, c := range s.Report.Changes {
		r := c.Resource()
		byID[r.ID] = append(byID[r.ID], r)
		fmt.Fprintf(&b, "%s %s of %s at %s:%d\n", r.Platform, r.ID, r.Unit, r.Head.File, r.Head.Start.Line)
	}
	for line := range strings.Lines(ask) {
		id, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if byID[id] == nil {
			t.Errorf("there is no %q, of which a value is asked", id)
		}
		before := b.Len()
		for _, r := range byID[id] {
			resource.Walk(r.Root, func(p resource.Path, n *resource.Node) bool {
				if p.String() != path {
					return true
				}
				fmt.Fprintf(&b, "%s %s = %s at %s:%d", id, path, value(n), n.Range.File, n.Range.Start.Line)
				for _, o := range n.Origins {
					fmt.Fprintf(&b, " from %s:%d", o.File, o.Start.Line)
				}
				b.WriteByte('\n')
				return false
			})
		}
		if b.Len() == before {
			t.Errorf("%s has no %s", id, path)
		}
	}
	for _, d := range s.Report.Diagnostics {
		fmt.Fprintf(&b, "%s %s [%s]\n", d.Level, d, d.NotEvaluated)
	}
	return b.String()
}

func value(n *resource.Node) string {
	switch {
	case n.Unknown:
		return "unknown (" + n.Why + ")"
	case n.Partial:
		return fmt.Sprintf("%v, known in part (%s)", n.Kind, n.Why)
	case n.Embedded != nil:
		return "a document"
	case n.Kind == resource.Map || n.Kind == resource.List:
		return n.Kind.String()
	}
	return fmt.Sprint(n.Value)
}

func cases(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/" + folder + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/%s (%v)", folder, err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".txtar")
	}
	return files
}

// caseLink is a link of docs/formats.md to a case.
var caseLink = regexp.MustCompile(`\]\(\.\./testdata/(formats|pulls)/([^)]+)\.txtar\)`)

// TestFormatTable holds docs/formats.md against the cases: each row of its tables
// names cases that exist, each case of testdata/formats stands in a row, and each
// reader has one.
func TestFormatTable(t *testing.T) {
	data, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, folder := range []string{"formats", "pulls"} {
		for _, name := range cases(t, folder) {
			there[folder+"/"+name] = true
		}
	}
	named, rows := map[string]bool{}, 0
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| form ") {
			continue
		}
		rows++
		links := caseLink.FindAllStringSubmatch(line, -1)
		if len(links) == 0 {
			t.Errorf("no case proves the row %s", line)
		}
		if n := strings.Count(line, " | "); n != 3 {
			t.Errorf("%d columns instead of 4 in %s", n+1, line)
		}
		for _, l := range links {
			name := l[1] + "/" + l[2]
			if !there[name] {
				t.Errorf("there is no testdata/%s.txtar, which stands in %s", name, line)
			}
			named[name] = true
		}
	}
	for name := range there {
		if strings.HasPrefix(name, "formats/") && !named[name] {
			t.Errorf("testdata/%s.txtar is in no row", name)
		}
	}
	if rows < 20 {
		t.Errorf("%d rows are not the whole table", rows)
	}
	readers := slices.Collect(maps.Keys(options(t).Readers))
	sort.Strings(readers)
	for _, name := range readers {
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("the reader %s has no section", name)
		}
	}
}

// lean are the options of a review without fixes, which the properties are not
// about.
func lean(t *testing.T) reviewer.Options {
	opt := options(t)
	opt.NoFixes = true
	return opt
}
