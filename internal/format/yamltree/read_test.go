package yamltree_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// What the tree of a document is like is tested by the readers that stand on
// it, by conformance and by fuzzing; here is what a caller may choose.

func read(t *testing.T, name, text string, o yamltree.Options) ([]yamltree.Document, source.Diagnostics) {
	t.Helper()
	u := format.Unit{Files: []string{name}, FS: fstest.MapFS{name: {Data: []byte(text)}}}
	var docs []yamltree.Document
	ds := yamltree.Read(t.Context(), &u, name, o, func(d yamltree.Document) source.Diagnostics {
		docs = append(docs, d)
		return nil
	})
	return docs, ds
}

func TestOldBooleans(t *testing.T) {
	for _, old := range []bool{false, true} {
		docs, _ := read(t, "a.yaml", "a: yes\nb: 'yes'\non: off\n", yamltree.Options{OldBooleans: old})
		root := docs[0].Root
		if _, is := root.Get("a").Value.(bool); is != old {
			t.Errorf("old booleans %v: a is %v", old, root.Get("a").Value)
		}
		if root.Get("b").Value != "yes" || root.Get("on") == nil {
			t.Errorf("old booleans %v: a quoted text or a name is a boolean", old)
		}
	}
}

func TestTagged(t *testing.T) {
	var tags []string
	docs, ds := read(t, "a.yaml", "a: !X b\nc: !Y [d, !Z {e: f}]\ng: !!str 1\nh: ! i\nj: &k !X l\nm: *k\n", yamltree.Options{
		Tagged: func(tag string, n *resource.Node) *resource.Node {
			tags = append(tags, tag)
			return &resource.Node{Kind: resource.Map, Range: n.Range, Fields: []resource.Field{{Name: tag, Node: n}}}
		},
	})
	if len(ds) > 0 || strings.Join(tags, " ") != "!X !Z !Y !X" {
		t.Fatal(tags, ds)
	}
	f, root := docs[0].File, docs[0].Root
	for path, want := range map[string]string{"a": "!X b", "c": "!Y [d, !Z {e: f}]", "j": "!X l", "m": "*k"} {
		n := root.Get(path)
		if got := f.Text(n.Range); got != want || n.Kind != resource.Map || n.KeyRange.IsZero() {
			t.Errorf("%s is a %v at %q, want %q", path, n.Kind, got, want)
		}
	}
	if root.Path("m", "!X").Str() != "l" || root.Get("g").Value != "1" || root.Get("h").Value != "i" {
		t.Error("a value got lost")
	}
}

func TestCandidate(t *testing.T) {
	docs, ds := read(t, "a.yaml", "a: 1\n---\n# nothing\n---\nb: 1\n---\n[\n", yamltree.Options{
		Candidate: func(n *yaml.Node) bool { return n.Content[0].Value == "b" },
	})
	if len(docs) != 1 || docs[0].Root.Get("b") == nil || len(ds) != 1 || ds[0].Level != source.LevelError {
		t.Error(docs, ds)
	}
}

func TestForms(t *testing.T) {
	for _, tt := range []struct{ name, file, text, says string }{
		{"JSON", "a.json", `{"a": 1} {"a": 2}`, ""},
		{"YAML in braces", "a.yaml", "{a: 1} # c\n---\n{a: 2}\n", ""},
		{"JSON with a comment", "a.yaml", "{\"a\": 1} # c\n---\n{\"a\": 2}\n", ""},
		{"JSON that breaks off", "a.json", `{"a": 1} {"a": 2} {`, "syntax error in JSON"},
		{"broken in YAML's name", "a.yaml", "{\"a\": 1} {\"a\": 2} {", "syntax error in JSON"},
		{"template", "a.yaml", "a: 1\n---\na: 2\n---\na: {{ .x }}}\n", "looks like a template"},
		{"expression", "a.yaml", "a: 1\n---\na: 2\n---\na: [${{ x }}\n", "did not find"},
	} {
		docs, ds := read(t, tt.file, tt.text, yamltree.Options{})
		if len(docs) != 2 || docs[1].Root.Get("a").Value != int64(2) {
			t.Errorf("%s: %d documents", tt.name, len(docs))
		}
		if tt.says == "" && len(ds) > 0 || tt.says != "" && (len(ds) != 1 || !strings.Contains(ds[0].Message, tt.says)) {
			t.Errorf("%s: %v", tt.name, ds)
		}
	}
}

func TestDiagnosticsAreBounded(t *testing.T) {
	n := 0
	u := format.Unit{Files: []string{"a.yaml"}, FS: fstest.MapFS{"a.yaml": {Data: []byte(strings.Repeat("---\na: 1\n", 100))}}}
	ds := yamltree.Read(t.Context(), &u, "a.yaml", yamltree.Options{}, func(yamltree.Document) source.Diagnostics {
		n++
		return source.Diagnostics{{File: "a.yaml", Level: source.LevelWarning, Message: "x"}}
	})
	if n != 100 || len(ds) != yamltree.MaxDiagnostics+1 || !strings.Contains(ds[len(ds)-1].Message, "80 more") {
		t.Errorf("%d documents, %d diagnostics", n, len(ds))
	}
}

func TestClean(t *testing.T) {
	if got := yamltree.Clean("a\nb\x1b" + strings.Repeat("ä", 200)); len([]rune(got)) != 120 || strings.ContainsAny(got, "\n\x1b") || !strings.HasSuffix(got, "…") {
		t.Errorf("%q", got)
	}
}
