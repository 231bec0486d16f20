package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWholeLines(t *testing.T) {
	const three = "one\ntwo\nthree\n"
	for _, c := range []struct {
		name, data string
		edits      func(f *File) []Edit
		want       []LineEdit
	}{
		{"none", three, func(*File) []Edit { return nil }, nil},
		{"within a line", three, func(f *File) []Edit { return []Edit{edit(f, 4, 5, "T")} },
			[]LineEdit{{"a", 2, 2, "Two\n"}}},
		{"that changes nothing", three, func(f *File) []Edit { return []Edit{edit(f, 4, 5, "t"), edit(f, 9, 9, "")} }, nil},
		{"two of one line", three, func(f *File) []Edit { return []Edit{edit(f, 6, 7, "O"), edit(f, 4, 5, "T")} },
			[]LineEdit{{"a", 2, 2, "TwO\n"}}},
		{"two of two lines", three, func(f *File) []Edit { return []Edit{edit(f, 0, 1, "O"), edit(f, 4, 5, "T")} },
			[]LineEdit{{"a", 1, 1, "One\n"}, {"a", 2, 2, "Two\n"}}},
		{"over two lines", three, func(f *File) []Edit { return []Edit{edit(f, 2, 5, "E\nT")} },
			[]LineEdit{{"a", 1, 2, "onE\nTwo\n"}}},
		{"deleted line", three, func(f *File) []Edit { return []Edit{edit(f, 4, 8, "")} },
			[]LineEdit{{"a", 2, 2, ""}}},
		{"replaced line", three, func(f *File) []Edit { return []Edit{edit(f, 4, 8, "2\n2\n")} },
			[]LineEdit{{"a", 2, 2, "2\n2\n"}}},
		{"deleted content of a line", three, func(f *File) []Edit { return []Edit{edit(f, 4, 7, "")} },
			[]LineEdit{{"a", 2, 2, "\n"}}},
		{"deleted line break", three, func(f *File) []Edit { return []Edit{edit(f, 3, 4, "")} },
			[]LineEdit{{"a", 1, 2, "onetwo\n"}}},
		{"deleted line breaks", three, func(f *File) []Edit { return []Edit{edit(f, 3, 4, ""), edit(f, 7, 8, "")} },
			[]LineEdit{{"a", 1, 3, "onetwothree\n"}}},
		{"line replaced without its break", three, func(f *File) []Edit { return []Edit{edit(f, 0, 4, "1 ")} },
			[]LineEdit{{"a", 1, 2, "1 two\n"}}},
		{"inserted line", three, func(f *File) []Edit { return []Edit{edit(f, 4, 4, "new\n")} },
			[]LineEdit{{"a", 2, 1, "new\n"}}},
		{"inserted line at the start", three, func(f *File) []Edit { return []Edit{edit(f, 0, 0, "new\n")} },
			[]LineEdit{{"a", 1, 0, "new\n"}}},
		{"inserted line at the end", three, func(f *File) []Edit { return []Edit{edit(f, 14, 14, "new\n")} },
			[]LineEdit{{"a", 4, 3, "new\n"}}},
		{"inserted at the start of a line", three, func(f *File) []Edit { return []Edit{edit(f, 4, 4, "new ")} },
			[]LineEdit{{"a", 2, 2, "new two\n"}}},
		{"inserted line before a changed one", three, func(f *File) []Edit { return []Edit{edit(f, 4, 4, "new\n"), edit(f, 6, 7, "O")} },
			[]LineEdit{{"a", 2, 2, "new\ntwO\n"}}},
		{"inserted line behind a changed one", three, func(f *File) []Edit { return []Edit{edit(f, 2, 3, "E"), edit(f, 4, 4, "new\n")} },
			[]LineEdit{{"a", 1, 1, "onE\n"}, {"a", 2, 1, "new\n"}}},
		{"inserted line behind a joined one", three, func(f *File) []Edit { return []Edit{edit(f, 3, 4, ""), edit(f, 4, 4, "new\n")} },
			[]LineEdit{{"a", 1, 2, "onenew\ntwo\n"}}},
		{"appended to a line", three, func(f *File) []Edit { return []Edit{edit(f, 3, 3, "\nnew")} },
			[]LineEdit{{"a", 1, 1, "one\nnew\n"}}},
		{"no break at the end", "one\ntwo", func(f *File) []Edit { return []Edit{edit(f, 4, 5, "T")} },
			[]LineEdit{{"a", 2, 2, "Two"}}},
		{"appended without a break", "one\ntwo", func(f *File) []Edit { return []Edit{edit(f, 7, 7, "\nthree")} },
			[]LineEdit{{"a", 2, 2, "two\nthree"}}},
		{"last line deleted with the break before", "one\ntwo", func(f *File) []Edit { return []Edit{edit(f, 3, 7, "")} },
			[]LineEdit{{"a", 1, 2, "one"}}},
		{"into an empty file", "", func(f *File) []Edit { return []Edit{edit(f, 0, 0, "new\n")} },
			[]LineEdit{{"a", 1, 0, "new\n"}}},
		{"everything deleted", three, func(f *File) []Edit { return []Edit{edit(f, 0, 14, "")} },
			[]LineEdit{{"a", 1, 3, ""}}},
		{"CRLF", "one\r\ntwo\r\n", func(f *File) []Edit { return []Edit{edit(f, 5, 8, "TWO"), edit(f, 0, 0, "new\r\n")} },
			[]LineEdit{{"a", 1, 0, "new\r\n"}, {"a", 2, 2, "TWO\r\n"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := NewFile("a", []byte(c.data))
			edits := c.edits(f)
			got, err := WholeLines(f, edits)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			sameBytes(t, f, edits, got)
		})
	}
	f := NewFile("a", []byte(three))
	if got, err := WholeLines(f, []Edit{edit(f, 1, 3, ""), edit(f, 2, 4, "")}); err == nil || got != nil {
		t.Errorf("overlapping edits gave %v and %v", got, err)
	}
}

// sameBytes checks that whole-line edits do what the byte edits do, and that
// they are whole lines, in order and apart.
func sameBytes(t *testing.T, f *File, edits []Edit, lines []LineEdit) {
	t.Helper()
	want, err := Apply(f.Data, edits)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Apply(f.Data, ByteEdits(f, lines))
	if err != nil {
		t.Fatalf("%v: %v", lines, err)
	}
	if string(got) != string(want) {
		t.Errorf("byte edits %v give %q, line edits %v give %q", edits, want, lines, got)
	}
	next := 1
	for _, e := range lines {
		if e.Start < next || e.End < e.Start-1 || e.End > f.Lines() {
			t.Errorf("%+v is out of order or bounds in %d lines", e, f.Lines())
		}
		next = max(e.Start, e.End+1)
		whole := e.New == "" || strings.HasSuffix(e.New, "\n") || f.LineEnd(e.End) == len(f.Data)
		if !whole {
			t.Errorf("%+v does not end a line", e)
		}
	}
}

// FuzzEdits reads plan as edits, three bytes each: distance to the edit before,
// length, and which text.
func FuzzEdits(f *testing.F) {
	f.Add([]byte("one\ntwo\nthree\n"), []byte{0, 1, 0, 2, 3, 1, 0, 0, 2})
	f.Add([]byte("one\r\ntwo"), []byte{3, 2, 3, 3, 0, 4})
	f.Add([]byte(""), []byte{0, 0, 1})
	f.Add([]byte("\n\n\n"), []byte{1, 1, 3, 0, 0, 1, 1, 0, 5})
	texts := []string{"", "x\n", "x", "\nx", "\n", "x\ny", "x\r\n", "ä"}
	f.Fuzz(func(t *testing.T, data, plan []byte) {
		file := NewFile("a", data)
		var edits []Edit
		at := 0
		for ; len(plan) >= 3; plan = plan[3:] {
			at += int(plan[0])
			end := at + int(plan[1])
			edits = append(edits, edit(file, at, end, texts[int(plan[2])%len(texts)]))
			at = end
		}
		lines, err := WholeLines(file, edits)
		if err != nil {
			if _, applied := Apply(data, edits); applied == nil {
				t.Fatalf("Apply takes what WholeLines refuses: %v", err)
			}
			return
		}
		sameBytes(t, file, edits, lines)
	})
}

func BenchmarkPos(b *testing.B) {
	f := NewFile("a", []byte(strings.Repeat("some line of a file\n", 10_000)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7919) % len(f.Data)
		if f.Pos(i).Line == 0 {
			b.Fatal(i)
		}
	}
}
