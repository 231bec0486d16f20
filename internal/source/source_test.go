package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPos(t *testing.T) {
	f := NewFile("a", []byte("ab\r\näö\n\xff\xfex\n\nz"))
	for _, c := range []struct {
		offset int
		want   Pos
	}{
		{-1, Pos{1, 1, 0}}, {0, Pos{1, 1, 0}}, {1, Pos{1, 2, 1}}, {2, Pos{1, 3, 2}}, {3, Pos{1, 4, 3}},
		{4, Pos{2, 1, 4}}, {6, Pos{2, 2, 6}}, {8, Pos{2, 3, 8}},
		{9, Pos{3, 1, 9}}, {10, Pos{3, 2, 10}}, {11, Pos{3, 3, 11}}, {12, Pos{3, 4, 12}},
		{13, Pos{4, 1, 13}}, {14, Pos{5, 1, 14}}, {15, Pos{5, 2, 15}}, {99, Pos{5, 2, 15}},
	} {
		if got := f.Pos(c.offset); got != c.want {
			t.Errorf("Pos(%d) = %v, want %v", c.offset, got, c.want)
		}
		if got := f.line(c.want.Byte); got != c.want.Line {
			t.Errorf("line(%d) = %d, want %d", c.want.Byte, got, c.want.Line)
		}
	}
	if got := NewFile("a", nil).Pos(5); got != (Pos{1, 1, 0}) {
		t.Errorf("in an empty file: %v", got)
	}
	if got := NewFile("a", []byte("x\n")).Pos(2); got != (Pos{2, 1, 2}) {
		t.Errorf("behind the last line break: %v", got)
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		data  string
		lines []string
		eol   string
	}{
		{"", nil, "\n"},
		{"a", []string{"a"}, "\n"},
		{"a\n", []string{"a"}, "\n"},
		{"\n", []string{""}, "\n"},
		{"a\n\nb", []string{"a", "", "b"}, "\n"},
		{"a\r\nb\n", []string{"a", "b"}, "\r\n"},
		{"a\nb\r\n", []string{"a", "b"}, "\n"},
		{"a\r", []string{"a"}, "\n"},
	} {
		f := NewFile("a", []byte(c.data))
		if f.Lines() != len(c.lines) {
			t.Errorf("%q has %d lines, want %d", c.data, f.Lines(), len(c.lines))
		}
		all := ""
		for i, want := range c.lines {
			if got := f.Line(i + 1); got != want {
				t.Errorf("%q: line %d is %q, want %q", c.data, i+1, got, want)
			}
			all += string(f.Data[f.LineStart(i+1):f.LineEnd(i+1)])
		}
		if all != c.data {
			t.Errorf("the lines of %q together are %q", c.data, all)
		}
		for _, beyond := range []int{-1, 0, len(c.lines) + 1, 99} {
			if got := f.Line(beyond); got != "" {
				t.Errorf("%q: line %d is %q", c.data, beyond, got)
			}
		}
		if f.EOL() != c.eol {
			t.Errorf("%q: line ending %q, want %q", c.data, f.EOL(), c.eol)
		}
	}
}

func TestRange(t *testing.T) {
	f := NewFile("d/a", []byte("one\ntwo\nthree\n"))
	two := f.LineRange(2, 2)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"text of a line", f.Text(two), "two\n"},
		{"text out of bounds", f.Text(Range{File: "d/a", Start: Pos{Byte: 10}, End: Pos{Byte: 99}}), "ree\n"},
		{"text the wrong way round", f.Text(Range{File: "d/a", Start: Pos{Byte: 10}, End: Pos{Byte: 5}}), ""},
		{"last line of whole lines", two.LastLine(), 2},
		{"last line within a line", f.Range(1, 6).LastLine(), 2},
		{"last line of nothing at a start", f.Range(4, 4).LastLine(), 2},
		{"length", two.Len(), 4},
		{"end before start", f.Range(6, 2), f.Range(6, 6)},
		{"contains itself", two.Contains(two), true},
		{"contains a part", two.Contains(f.Range(5, 6)), true},
		{"contains more", two.Contains(f.Range(3, 6)), false},
		{"contains another file's", two.Contains(Range{File: "b", Start: two.Start, End: two.End}), false},
		{"string", f.Range(5, 6).String(), "d/a:2:2"},
		{"string of a file", Range{File: "d/a"}.String(), "d/a"},
		{"zero", Range{}.IsZero(), true},
		{"not zero", two.IsZero(), false},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// edit is an edit of the bytes [start, end).
func edit(f *File, start, end int, text string) Edit {
	return Edit{Range: f.Range(start, end), New: text}
}

func TestApply(t *testing.T) {
	f := NewFile("a", []byte("0123456789"))
	for _, c := range []struct {
		name  string
		edits []Edit
		want  string
		err   string
	}{
		{"none", nil, "0123456789", ""},
		{"in any order", []Edit{edit(f, 8, 9, "B"), edit(f, 1, 3, "A")}, "0A34567B9", ""},
		{"insertions at the ends", []Edit{edit(f, 0, 0, "<"), edit(f, 10, 10, ">")}, "<0123456789>", ""},
		{"side by side", []Edit{edit(f, 2, 4, "A"), edit(f, 4, 6, "B")}, "01AB6789", ""},
		{"insertion behind a replacement", []Edit{edit(f, 2, 4, "A"), edit(f, 4, 4, "B")}, "01AB456789", ""},
		{"deletion of all", []Edit{edit(f, 0, 10, "")}, "", ""},
		{"overlap", []Edit{edit(f, 2, 5, "A"), edit(f, 4, 6, "B")}, "", "overlap at byte 4"},
		{"two insertions at one place", []Edit{edit(f, 2, 2, "A"), edit(f, 2, 2, "B")}, "", "overlap at byte 2"},
		{"insertion at the start of a replacement", []Edit{edit(f, 2, 3, "A"), edit(f, 2, 2, "B")}, "", "overlap at byte 2"},
		{"past the end", []Edit{{Range: Range{File: "a", Start: Pos{Byte: 5}, End: Pos{Byte: 11}}}}, "", "outside the file's 10"},
		{"before the start", []Edit{{Range: Range{File: "a", Start: Pos{Byte: -1}, End: Pos{Byte: 1}}}}, "", "outside the file's 10"},
		{"end before start", []Edit{{Range: Range{File: "a", Start: Pos{Byte: 3}, End: Pos{Byte: 2}}}}, "", "outside the file's 10"},
		{"two files", []Edit{edit(f, 1, 2, "A"), edit(NewFile("b", f.Data), 3, 4, "B")}, "", "cannot be applied to one file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := append([]Edit(nil), c.edits...)
			got, err := Apply(f.Data, c.edits)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || string(got) != "0123456789" {
					t.Fatalf("got %q and %v, want the error %q", got, err, c.err)
				}
				return
			}
			if err != nil || string(got) != c.want {
				t.Errorf("got %q and %v, want %q", got, err, c.want)
			}
			if d := cmp.Diff(before, c.edits); d != "" {
				t.Errorf("the caller's edits changed:\n%s", d)
			}
			if string(f.Data) != "0123456789" {
				t.Fatalf("the file changed: %q", f.Data)
			}
		})
	}
}

func TestDiagnostics(t *testing.T) {
	var ds Diagnostics
	ds.Warnf("b", 2, "x %d", 1)
	ds.Errorf("b", 2, "x %d", 1)
	ds.Warnf("b", 2, "x %d", 1)
	ds.Errorf("b", 1, "z")
	ds.Errorf("a", 9, "y")
	ds.Errorf("a", 0, "y")
	ds.Errorf("", 0, "y")
	ds.Errorf("a", 9, "w")
	ds.Errorf("a", 9, "y")
	ds.Sort()
	var got []string
	for _, d := range ds {
		got = append(got, string(d.Level)+" "+d.String())
	}
	want := []string{"error y", "error a: y", "error a:9: w", "error a:9: y", "error b:1: z", "error b:2: x 1", "warning b:2: x 1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	var none Diagnostics
	none.Sort()
	if len(none) != 0 {
		t.Errorf("sorting nothing gave %v", none)
	}
}
