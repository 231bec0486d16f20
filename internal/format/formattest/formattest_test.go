package formattest_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// lines is the smallest reader that owes everything: each line "name=value" is
// a resource with one field.
type lines struct{}

func (lines) Read(ctx context.Context, u format.Unit) (rs []*resource.Resource, ds source.Diagnostics) {
	for _, path := range u.Files {
		if err := ctx.Err(); err != nil {
			ds.Errorf(path, 0, "not read: %v", err)
			continue
		}
		data, err := fs.ReadFile(u.FS, path)
		if err != nil {
			ds.Errorf(path, 0, "cannot be read")
			continue
		}
		if int64(len(data)) > u.MaxFileSize {
			ds.Errorf(path, 0, "too large")
			continue
		}
		f := source.NewFile(path, data)
		for line := 1; line <= f.Lines(); line++ {
			text := f.Line(line)
			name, value, ok := strings.Cut(text, "=")
			if !ok || name == "" || !utf8.ValidString(text) {
				if strings.HasPrefix(text, "!") {
					ds.Errorf(path, line, "no equals sign")
				}
				continue
			}
			start := f.LineStart(line)
			root := &resource.Node{Kind: resource.Map, Range: f.Range(start, start+len(text))}
			root.Fields = []resource.Field{{Name: name, Node: &resource.Node{
				Kind: resource.String, Value: value,
				Range:    f.Range(start+len(name)+1, start+len(text)),
				KeyRange: f.Range(start, start+len(name)),
			}}}
			rs = append(rs, &resource.Resource{
				ID: fmt.Sprintf("%s:%d", path, line), Platform: "lines", Format: "lines", Kind: "Line", Unit: u.ID,
				Root: root, Range: root.Range, Head: root.Range,
			})
		}
	}
	return rs, ds
}

func cases() formattest.Cases {
	return formattest.Cases{
		Format: "lines", Platforms: []string{"lines"}, File: "a.txt", Beside: "b.txt", Good: "a=b\nc=ä", Broken: "!\n",
		Key:    func(text string) (string, bool) { return text, true },
		Scalar: func(text string, _ *resource.Node) (any, bool) { return text, true },
		Units: []formattest.Unit{
			{Name: "two files", Files: map[string]string{"x": "a=b\n", "y": "!\nc=d\n"}, IDs: []string{"x:1", "y:2"}, Diagnostics: []string{"y:1: error: equals"}},
		},
	}
}

func TestSuitePasses(t *testing.T) { formattest.Run(t, lines{}, cases()) }

// recorder stands in for a test that is to fail.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, args...))
}

// TestCheckFinds spoils what a good reader gives, each time in one way.
func TestCheckFinds(t *testing.T) {
	first := func(rs []*resource.Resource) *resource.Node { return rs[0].Root.Fields[0].Node }
	for _, c := range []struct {
		name  string
		spoil func(rs []*resource.Resource, ds *source.Diagnostics) []*resource.Resource
		want  string
	}{
		{"nothing", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource { return rs }, ""},
		{"nil resource", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource { return append(rs, nil) }, "a nil resource"},
		{"id twice", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[1].ID = rs[0].ID
			return rs
		}, "given twice"},
		{"no id", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource { rs[0].ID = ""; return rs }, "has no id"},
		{"format", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Format = "x"
			return rs
		}, "format is"},
		{"platform", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Platform = "x"
			return rs
		}, "platform is"},
		{"unit", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource { rs[0].Unit = "x"; return rs }, "unit is"},
		{"no kind", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource { rs[0].Kind = ""; return rs }, "no kind"},
		{"no root", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource { rs[0].Root = nil; return rs }, "no root"},
		{"no head", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Head = source.Range{}
			return rs
		}, "no file"},
		{"wrong column", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			first(rs).Range.Start.Column++
			return rs
		}, "but its bytes are"},
		{"out of bounds", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Range.End.Byte = 99
			return rs
		}, "spans bytes"},
		{"one byte off", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			r := &first(rs).Range
			r.Start.Byte++
			r.Start.Column++
			return rs
		}, "the source"},
		{"outside its parent", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			first(rs).Range = first(rs[1:]).Range
			first(rs).Value = "ä"
			return rs
		}, "outside its parent's"},
		{"wrong key", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Root.Fields[0].Name = "z"
			return rs
		}, "its source is"},
		{"field twice", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Root.Fields = append(rs[0].Root.Fields, rs[0].Root.Fields[0])
			return rs
		}, "is there twice"},
		{"wrong value", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			first(rs).Value = 1
			return rs
		}, "holds a int"},
		{"no range", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			first(rs).Range = source.Range{}
			return rs
		}, "no range"},
		{"circle", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Root.Fields[0].Node = rs[0].Root
			return rs
		}, "lies within itself"},
		{"nil node", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Root.Fields[0].Node = nil
			return rs
		}, "a nil node"},
		{"unknown without why", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			first(rs).Unknown = true
			return rs
		}, "without saying why"},
		{"comment that is none", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Comments = []resource.Comment{{Text: "x", Range: rs[0].Range}}
			return rs
		}, "is not in the source"},
		{"comment that trails nothing", func(rs []*resource.Resource, _ *source.Diagnostics) []*resource.Resource {
			rs[0].Comments = []resource.Comment{{Text: "a", Range: rs[0].Range, Trailing: true}}
			return rs
		}, "trailing is true"},
		{"diagnostic beyond the file", func(rs []*resource.Resource, ds *source.Diagnostics) []*resource.Resource {
			ds.Errorf("a.txt", 9, "x")
			return rs
		}, "does not exist"},
		{"diagnostic of two lines", func(rs []*resource.Resource, ds *source.Diagnostics) []*resource.Resource {
			ds.Errorf("a.txt", 1, "x\ny")
			return rs
		}, "control characters"},
		{"diagnostic without a level", func(rs []*resource.Resource, ds *source.Diagnostics) []*resource.Resource {
			*ds = append(*ds, source.Diagnostic{File: "a.txt", Message: "x"})
			return rs
		}, "has the level"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := cases()
			u := format.Unit{ID: "lines:.", Files: []string{k.File}, FS: fstest.MapFS{k.File: {Data: []byte(k.Good)}}, MaxFileSize: 100}
			rs, ds := lines{}.Read(t.Context(), u)
			rs = c.spoil(rs, &ds)
			rec := &recorder{TB: t}
			formattest.Check(rec, k, u, rs, ds)
			got := strings.Join(rec.errors, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
