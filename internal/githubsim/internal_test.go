package githubsim

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

func TestHunks(t *testing.T) {
	lines := func(n int, replace map[int]string) string {
		var b strings.Builder
		for i := 1; i <= n; i++ {
			if r, ok := replace[i]; ok {
				b.WriteString(r)
			} else {
				fmt.Fprintf(&b, "%d\n", i)
			}
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, before, after string
		want                []string
	}{
		{"equal", "a\n", "a\n", nil},
		{"new file", "", "a\nb\n", []string{"@@ -0,0 +1,2 @@"}},
		{"deleted file", "a\n", "", []string{"@@ -1 +0,0 @@"}},
		{"middle", lines(20, nil), lines(20, map[int]string{10: "x\n"}), []string{"@@ -7,7 +7,7 @@"}},
		{"first line", lines(20, nil), lines(20, map[int]string{1: "x\n"}), []string{"@@ -1,4 +1,4 @@"}},
		{"last line deleted", lines(20, nil), lines(20, map[int]string{20: ""}), []string{"@@ -17,4 +17,3 @@"}},
		{"six lines between make one hunk", lines(30, nil), lines(30, map[int]string{10: "x\n", 17: "x\n"}), []string{"@@ -7,14 +7,14 @@"}},
		{"seven make two", lines(30, nil), lines(30, map[int]string{10: "x\n", 18: "x\n"}), []string{"@@ -7,7 +7,7 @@", "@@ -15,7 +15,7 @@"}},
		{"no line ending", "a\nb", "a\nb\n", []string{"@@ -1,2 +1,2 @@"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, _ := hunks(tt.before, tt.after)
			var headers []string
			for _, h := range got {
				headers = append(headers, h.header())
			}
			if strings.Join(headers, " ") != strings.Join(tt.want, " ") {
				t.Errorf("hunks %v, want %v", headers, tt.want)
			}
			if applied := apply(t, tt.before, got); applied != tt.after {
				t.Errorf("applied %q, want %q", applied, tt.after)
			}
		})
	}
}

// apply applies hunks as a patch tool would.
func apply(t *testing.T, before string, hs []Hunk) string {
	t.Helper()
	old := strings.SplitAfter(before, "\n")
	if old[len(old)-1] == "" {
		old = old[:len(old)-1]
	}
	var b strings.Builder
	at := 0
	for _, h := range hs {
		start := h.OldStart - 1
		if h.OldLines == 0 {
			start = h.OldStart
		}
		for ; at < start; at++ {
			b.WriteString(old[at])
		}
		for _, l := range h.Lines {
			text := l.Text + "\n"
			if l.NoEOL {
				text = l.Text
			}
			if l.Op != '+' {
				if at >= len(old) || old[at] != text {
					t.Fatalf("hunk %s does not fit at line %d", h.header(), at+1)
				}
				at++
			}
			if l.Op != '-' {
				b.WriteString(text)
			}
		}
	}
	for ; at < len(old); at++ {
		b.WriteString(old[at])
	}
	return b.String()
}

func FuzzHunks(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\n")
	f.Add("", "a")
	f.Add("a\r\nb\r\n", "b\r\n")
	f.Add("\n\n\n", "\n")
	f.Add("a\nb", "b\na\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		if len(before)+len(after) > 2000 || !validLines(before) || !validLines(after) {
			return
		}
		hs, _, _ := hunks(before, after)
		if got := apply(t, before, hs); got != after {
			t.Errorf("applied %q, want %q", got, after)
		}
		for _, h := range hs {
			for _, l := range h.Lines {
				if l.New > 0 && !h.has("RIGHT", l.New) && l.Op != '-' {
					t.Errorf("line %d is not in its hunk", l.New)
				}
			}
		}
	})
}

// validLines leaves out what the line diff takes as runes of its own.
func validLines(s string) bool { return strings.ToValidUTF8(s, "") == s }

func FuzzGitRequest(f *testing.F) {
	o := &objectStore{EncodedObjectStorer: newMemory()}
	tree, err := o.edit(plumbing.ZeroHash, map[string]Entry{"a/b": {Content: "x"}, "link": {Content: "a", Mode: filemode.Symlink}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	h, err := o.putCommit(tree, nil, "m", signature{name: "n", email: "e"})
	if err != nil {
		f.Fatal(err)
	}
	line := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	f.Add([]byte(line("command=ls-refs\n") + "0001" + line("peel\n") + line("symrefs\n") + "0000"))
	f.Add([]byte(line("command=fetch") + "0001" + line("want "+h.String()+"\n") + line("filter tree:0\n") + line("deepen 1\n") + line("done\n") + "0000"))
	f.Add([]byte(line("command=fetch") + "0001" + line("want "+tree.String()+"\n") + line("have "+h.String()+"\n") + "0000"))
	f.Add([]byte("0003"))
	f.Add([]byte("ffff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		g := &gitSession{objects: o, head: "refs/heads/main", refs: map[plumbing.ReferenceName]plumbing.Hash{"refs/heads/main": h}}
		var out bytes.Buffer
		if _, err := g.run(&out, body); err == nil && !bytes.HasSuffix(out.Bytes(), []byte(flushPacket)) {
			t.Errorf("answer without an end: %q", out.Bytes())
		}
	})
}

func TestEditKeepsTreesInGitsOrder(t *testing.T) {
	o := &objectStore{EncodedObjectStorer: newMemory()}
	tree, err := o.edit(plumbing.ZeroHash, map[string]Entry{"a/x": {Content: "1"}, "a.b": {Content: "2"}, "a-b": {Content: "3"}, "run": {Content: "4", Mode: filemode.Executable}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := object.GetTree(o, tree)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range tr.Entries {
		names = append(names, e.Name)
	}
	// A folder sorts as if its name ended in a slash.
	if got := strings.Join(names, " "); got != "a-b a.b a run" {
		t.Errorf("entries %s", got)
	}
	// A folder whose last file goes, goes too.
	if tree, err = o.edit(tree, nil, []string{"a/x"}); err != nil {
		t.Fatal(err)
	}
	if tr, err = object.GetTree(o, tree); err != nil || len(tr.Entries) != 3 {
		t.Errorf("entries %v, %v", tr.Entries, err)
	}
	for _, bad := range []string{"", "/a", "../a", "a//b", "a/./b", ".."} {
		if _, err := o.edit(tree, map[string]Entry{bad: {}}, nil); err == nil {
			t.Errorf("path %q was taken", bad)
		}
	}
	if _, err := o.edit(tree, nil, []string{"none"}); err == nil {
		t.Error("a missing file was deleted")
	}
}

func TestReplaceLines(t *testing.T) {
	for _, tt := range []struct {
		content, replacement string
		start, end           int
		want                 string
	}{
		{"a\nb\nc\n", "x\n", 2, 2, "a\nx\nc\n"},
		{"a\nb\nc\n", "x\ny", 1, 2, "x\ny\nc\n"},
		{"a\nb\nc\n", "", 2, 3, "a\n"},
		{"a\r\nb\r\n", "x\ny\n", 2, 2, "a\r\nx\r\ny\r\n"},
		{"a\nb", "x\n", 2, 2, "a\nx"},
	} {
		if got, err := replaceLines(tt.content, tt.start, tt.end, tt.replacement); err != nil || got != tt.want {
			t.Errorf("%q: %q, %v, want %q", tt.content, got, err, tt.want)
		}
	}
	for _, r := range [][2]int{{0, 1}, {2, 1}, {1, 3}} {
		if got, err := replaceLines("a\nb\n", r[0], r[1], "x"); err == nil {
			t.Errorf("lines %v: %q", r, got)
		}
	}
}

func BenchmarkFetchTree(b *testing.B) {
	o := &objectStore{EncodedObjectStorer: newMemory()}
	files := map[string]Entry{}
	for i := range 1000 {
		files[fmt.Sprintf("dir%d/file%d", i%30, i)] = Entry{Content: fmt.Sprint(i)}
	}
	tree, err := o.edit(plumbing.ZeroHash, files, nil)
	if err != nil {
		b.Fatal(err)
	}
	line := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	body := []byte(line("command=fetch") + "0001" + line("want "+tree.String()) + line("filter tree:0") + line("done") + "0000")
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if _, err := (&gitSession{objects: o}).run(&out, body); err != nil {
			b.Fatal(err)
		}
	}
}
