package change_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

func TestHunks(t *testing.T) {
	long := numbered(1, 30)
	tests := []struct {
		name       string
		base, head string
		want       []change.Hunk
	}{
		{"equal", long, long, nil},
		{"both empty", "", "", nil},
		{"new file", "", "a\nb\n", []change.Hunk{{Start: 1, End: 2}}},
		{"emptied file", "a\nb\n", "", nil},
		{"one line in the middle", long, strings.Replace(long, "line 10\n", "x\n", 1), []change.Hunk{{Start: 7, End: 13}}},
		{"first line", long, strings.Replace(long, "line 1\n", "x\n", 1), []change.Hunk{{Start: 1, End: 4}}},
		{"last line", long, strings.Replace(long, "line 30\n", "x\n", 1), []change.Hunk{{Start: 27, End: 30}}},
		{"six lines between merge", long, strings.NewReplacer("line 10\n", "x\n", "line 17\n", "y\n").Replace(long), []change.Hunk{{Start: 7, End: 20}}},
		{"seven lines between do not", long, strings.NewReplacer("line 10\n", "x\n", "line 18\n", "y\n").Replace(long), []change.Hunk{{Start: 7, End: 13}, {Start: 15, End: 21}}},
		{"deleted lines leave their context", long, strings.Replace(long, "line 10\nline 11\n", "", 1), []change.Hunk{{Start: 7, End: 12}}},
		{"line break at the end", "a\nb", "a\nb\n", []change.Hunk{{Start: 1, End: 2}}},
		{"inserted in front", long, "x\n" + long, []change.Hunk{{Start: 1, End: 4}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, head := source.NewFile("f", []byte(tt.base)), source.NewFile("f", []byte(tt.head))
			got := change.Hunks(base, head, change.Context)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			parsed, err := change.ParsePatch(change.Unified("a/f", "b/f", base.Data, head.Data))
			if err != nil || !slices.Equal(parsed, tt.want) {
				t.Errorf("the patch says %v (%v), want %v", parsed, err, tt.want)
			}
		})
	}
	if got := change.Hunks(nil, source.NewFile("f", []byte("a\n")), 3); !slices.Equal(got, []change.Hunk{{Start: 1, End: 1}}) {
		t.Errorf("an absent base gives %v", got)
	}
	if got := change.Hunks(source.NewFile("f", []byte("a\n")), nil, 3); got != nil {
		t.Errorf("an absent head gives %v", got)
	}
}

func TestUnified(t *testing.T) {
	got := change.Unified("a/x y", "b/x\ty", []byte("1\n2\n3\n4\n5\n6"), []byte("1\n2\n3\n4\nfive\n6\n"))
	want := "--- a/x y\n+++ \"b/x\\ty\"\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n-6\n\\ No newline at end of file\n+five\n+6\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := change.Unified("/dev/null", "b/f", nil, []byte("a\n")); got != "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n" {
		t.Errorf("new file: %s", got)
	}
}

// apply carries out a unified diff as patch(1) does.
func apply(t *testing.T, before []byte, patch string) []byte {
	t.Helper()
	if patch == "" {
		return before
	}
	var out bytes.Buffer
	lines := strings.SplitAfter(string(before), "\n")
	at := 0
	patchLines := strings.SplitAfter(patch, "\n")
	for i := 0; i < len(patchLines); i++ {
		l := patchLines[i]
		switch {
		case strings.HasPrefix(l, "--- ") && i == 0, strings.HasPrefix(l, "+++ ") && i == 1, l == "", strings.HasPrefix(l, `\`):
			continue
		case strings.HasPrefix(l, "@@ "):
			var a, n int
			if c, _ := fmt.Sscanf(l, "@@ -%d,%d", &a, &n); c < 2 {
				n = 1
			}
			if n > 0 {
				a--
			}
			for ; at < a; at++ {
				out.WriteString(lines[at])
			}
			continue
		}
		body := l[1:]
		if i+1 < len(patchLines) && strings.HasPrefix(patchLines[i+1], `\`) {
			body = strings.TrimSuffix(body, "\n")
		}
		if l[0] != '+' {
			if lines[at] != body {
				t.Fatalf("the patch expects %q where %q stands:\n%s", body, lines[at], patch)
			}
			at++
		}
		if l[0] != '-' {
			out.WriteString(body)
		}
	}
	for ; at < len(lines); at++ {
		out.WriteString(lines[at])
	}
	return out.Bytes()
}

func randomFile(r *rand.Rand) []byte {
	var b strings.Builder
	for range r.IntN(25) {
		b.WriteByte(byte('a' + r.IntN(4)))
		if r.IntN(9) == 0 {
			b.WriteByte('\r')
		}
		b.WriteByte('\n')
	}
	if r.IntN(3) == 0 {
		b.WriteString("end")
	}
	return []byte(b.String())
}

// lcs is the length of the longest common sequence of lines, by the book.
func lcs(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diag := 0
		for j, y := range b {
			up := row[j+1]
			if x == y {
				row[j+1] = diag + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			diag = up
		}
	}
	return row[len(b)]
}

func TestUnifiedApplied(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		a, b := randomFile(r), randomFile(r)
		patch := change.Unified("f", "f", a, b)
		if got := apply(t, a, patch); !bytes.Equal(got, b) {
			t.Fatalf("%q with\n%s\ngives %q, want %q", a, patch, got, b)
		}
		hunks, err := change.ParsePatch(patch)
		if err != nil {
			t.Fatalf("%v in\n%s", err, patch)
		}
		if want := change.Hunks(source.NewFile("f", a), source.NewFile("f", b), 3); !slices.Equal(hunks, want) {
			t.Fatalf("hunks %v, in the patch %v", want, hunks)
		}
		la := strings.SplitAfter(strings.TrimSuffix(string(a), "\n"), "\n")
		lb := strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n")
		if len(a) > 0 && len(b) > 0 && bytes.HasSuffix(a, []byte("\n")) && bytes.HasSuffix(b, []byte("\n")) {
			la[len(la)-1] += "\n"
			lb[len(lb)-1] += "\n"
			if got, want := deleted(patch), len(la)-lcs(la, lb); got != want {
				t.Fatalf("%d lines deleted, %d would do:\n%s", got, want, patch)
			}
		}
	}
}

// deleted counts the lines that a patch deletes.
func deleted(patch string) int {
	n := 0
	for i, l := range strings.Split(patch, "\n") {
		if i > 1 && strings.HasPrefix(l, "-") {
			n++
		}
	}
	return n
}

// TestHunksOfHugeChanges keeps the cost of unlike files bounded.
func TestHunksOfHugeChanges(t *testing.T) {
	var a, b strings.Builder
	r := rand.New(rand.NewPCG(5, 6))
	for range 40_000 {
		fmt.Fprintf(&a, "%d\n", r.IntN(50))
		fmt.Fprintf(&b, "%d\n", r.IntN(50))
	}
	head := source.NewFile("f", []byte("same\n"+b.String()))
	got := change.Hunks(source.NewFile("f", []byte("same\n"+a.String())), head, 3)
	if len(got) != 1 || got[0].Start != 1 || got[0].End != head.Lines() {
		t.Errorf("got %v, want one hunk over everything", got)
	}
	other := source.NewFile("f", []byte(numbered(1, 40_000)))
	got = change.Hunks(source.NewFile("f", []byte(a.String())), other, 3)
	if len(got) != 1 || got[0].End != 40_000 {
		t.Errorf("got %v, want one hunk", got)
	}
}

func TestParsePatchErrors(t *testing.T) {
	for name, patch := range map[string]string{
		"ends early":        "@@ -1,3 +1,3 @@\n a\n",
		"too many lines":    "@@ -1 +1 @@\n-a\n-b\n+c\n",
		"stray line":        "@@ -1 +1 @@\n-a\n?b\n",
		"text after":        "@@ -1 +1 @@\n-a\n+b\nhello\n",
		"no plus":           "@@ -1 1 @@\n-a\n+b\n",
		"negative":          "@@ --1 +1 @@\n-a\n+b\n",
		"overflow":          "@@ -1 +99999999999999999999 @@\n-a\n+b\n",
		"huge":              "@@ -1,1 +1,4294967295 @@\n-a\n+b\n",
		"line zero":         "@@ -1 +0,1 @@\n-a\n+b\n",
		"out of order":      "@@ -9 +9 @@\n-a\n+b\n@@ -1 +1 @@\n-a\n+b\n",
		"unfinished header": "@@ -1,1 +1,1\n-a\n+b\n",
	} {
		if got, err := change.ParsePatch(patch); err == nil {
			t.Errorf("%s: got %v without an error", name, got)
		}
	}
	got, err := change.ParsePatch("@@ -1,2 +1,3 @@ func main() {\n a\n+\n b\n\\ No newline at end of file\n@@ -10,2 +11,0 @@\n-x\n-y")
	if err != nil || !slices.Equal(got, []change.Hunk{{Start: 1, End: 3}}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzParsePatch(f *testing.F) {
	f.Add("@@ -1,2 +1,3 @@\n a\n+b\n c\n")
	f.Add("diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n")
	f.Add("@@ -0,0 +1 @@\n+a")
	f.Fuzz(func(t *testing.T, patch string) {
		hunks, err := change.ParsePatch(patch)
		if err != nil {
			return
		}
		last := 0
		for _, h := range hunks {
			if h.Start <= last || h.End < h.Start {
				t.Fatalf("hunks %v are not in order", hunks)
			}
			last = h.End
		}
	})
}

func FuzzHunks(f *testing.F) {
	f.Add([]byte("a\nb\nc\n"), []byte("a\nc\nd"))
	f.Add([]byte(""), []byte("\n\n"))
	f.Add([]byte("a\r\nb"), []byte("a\nb"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if got := apply(t, a, change.Unified("f", "f", a, b)); !bytes.Equal(got, b) {
			t.Fatalf("the diff of %q and %q gives %q", a, b, got)
		}
		file := source.NewFile("f", b)
		for _, h := range change.Hunks(source.NewFile("f", a), file, 3) {
			if h.Start < 1 || h.End < h.Start || h.End > file.Lines() {
				t.Fatalf("hunk %v of a file of %d lines", h, file.Lines())
			}
		}
	})
}

func BenchmarkHunks(b *testing.B) {
	text := numbered(1, 5000)
	base := source.NewFile("f", []byte(text))
	head := source.NewFile("f", []byte(strings.ReplaceAll(text, "00\n", "zz\n")))
	b.ReportAllocs()
	for b.Loop() {
		change.Hunks(base, head, 3)
	}
}
