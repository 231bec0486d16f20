package dockerfile

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goodFile = `# The service.
ARG VERSION=1.26.0
FROM golang:${VERSION} AS build
RUN go build \
      -o /api ./cmd/api

FROM gcr.io/distroless/static@sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d
COPY --from=build --chown=1000:1000 /api /api
ENV A=1 B="two words"
USER 1000
ENTRYPOINT ["/api"]
`

func unitOf(src string) format.Unit {
	return format.Unit{
		ID: "dockerfile:Dockerfile", Format: Name, Dir: ".", Files: []string{"Dockerfile"},
		FS: fstest.MapFS{"Dockerfile": {Data: []byte(src)}}, MaxFileSize: format.DefaultMaxFileSize,
	}
}

func cases() formattest.Cases {
	return formattest.Cases{
		Format: Name, Platforms: []string{resource.Dockerfile}, File: "Dockerfile",
		Good: goodFile, Broken: "FRM alpine\n",
		Scalar: scalarOf,
		Key:    func(s string) (string, bool) { return s, utf8.ValidString(s) && !strings.ContainsAny(s, "\\`\"'\n") },
		Units: []formattest.Unit{
			{
				Name: "broken instructions", Files: map[string]string{
					"Dockerfile": "FROM alpine:3.21\nENV A\nRNU x\nCOPY [\"a\", 1]\nUSER 1000\nFROM a b c\nFROM busybox\nRUN <<EOF\nx\n",
				},
				IDs: []string{"dockerfile/Dockerfile"},
				Diagnostics: []string{
					"Dockerfile:2: error: ENV must have two arguments", "Dockerfile:3: error: there is no instruction RNU",
					"Dockerfile:4: error: when using JSON array syntax", "Dockerfile:6: error: FROM takes an image",
					"Dockerfile:8: error: a heredoc is not ended",
				},
			},
			{
				Name: "no FROM", Files: map[string]string{"Dockerfile": "ARG X=1\n"}, IDs: []string{},
				Diagnostics: []string{"Dockerfile: error: the file has no FROM"},
			},
			{
				Name: "before FROM", Files: map[string]string{"Dockerfile": "RUN x\nFROM a\n"}, IDs: []string{"dockerfile/Dockerfile"},
				Diagnostics: []string{"Dockerfile:1: error: RUN stands in front of the first FROM"},
			},
			{
				Name: "BOM, CRLF and a name with spaces", Files: map[string]string{"a b/Dockerfile": "\ufeff# é\r\nFROM a:1\r\nRUN a \\\r\n  # within\r\n  b\r\nRUN <<E\r\nx\r\nE\r\nUSER é\r\n"},
				IDs: []string{"dockerfile/a b/Dockerfile"},
			},
			{Name: "Latin-1", Files: map[string]string{"Dockerfile": "# caf\xe9\nFROM a:1\nENV A=\xe9\nLABEL \xe9=1\n"}, IDs: []string{"dockerfile/Dockerfile"}},
		},
	}
}

// scalarOf decodes what stands in the file without quotes or continuations.
func scalarOf(s string, n *resource.Node) (any, bool) {
	if n.Kind != resource.String || s == "" || !utf8.ValidString(s) || (strings.ContainsAny(s, "\\`\"'\n") || strings.Contains(s, "\xe9")) {
		return nil, false
	}
	if strings.Contains(s, "$") {
		return nil, false // a variable may stand in it
	}
	if strings.EqualFold(s, n.Str()) {
		return n.Value, true
	}
	return s, true
}

func TestConformance(t *testing.T) { formattest.Run(t, New(), cases()) }

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil || len(a.Files) == 0 {
				t.Fatalf("the file has no input: %v", err)
			}
			src := string(a.Files[0].Data)
			u := unitOf(src)
			rs, ds := New().Read(t.Context(), u)
			formattest.Check(t, cases(), u, rs, ds)
			got := dump(rs, ds)
			if *update {
				a.Files = append(a.Files[:1], txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(a.Files) != 2 {
				t.Fatal("the file has no expectation; run with -update")
			}
			if d := cmp.Diff(string(a.Files[1].Data), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func dump(rs []*resource.Resource, ds source.Diagnostics) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%s %s head %s\n", r.ID, span(r.Range), span(r.Head))
		for _, c := range r.Comments {
			fmt.Fprintf(&b, "  # %q %s\n", c.Text, span(c.Range))
		}
		for _, f := range r.Root.Fields {
			dumpNode(&b, 1, f.Name, f.Node)
		}
	}
	for _, d := range ds {
		fmt.Fprintf(&b, "%s: %s\n", d.Level, d)
	}
	return b.String()
}

func span(r source.Range) string {
	return fmt.Sprintf("%d:%d-%d:%d", r.Start.Line, r.Start.Column, r.End.Line, r.End.Column)
}

func dumpNode(b *strings.Builder, depth int, name string, n *resource.Node) {
	b.WriteString(strings.Repeat("  ", depth) + name + ":")
	switch {
	case n.Unknown:
		fmt.Fprintf(b, " unknown (%s)", n.Why)
	case n.Kind == resource.String:
		fmt.Fprintf(b, " %q", n.Value)
	case n.Kind == resource.Bool:
		fmt.Fprintf(b, " %v", n.Value)
	}
	b.WriteString(" " + span(n.Range))
	for i, o := range n.Origins {
		if i == 0 {
			b.WriteString(" from")
		}
		b.WriteString(" " + span(o))
	}
	b.WriteByte('\n')
	for i, it := range n.Items {
		dumpNode(b, depth+1, fmt.Sprintf("[%d]", i), it)
	}
	for _, f := range n.Fields {
		dumpNode(b, depth+1, f.Name, f.Node)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(goodFile))
	f.Add([]byte("# escape=`\nFROM a\nRUN a `\n b\nONBUILD COPY --from=x [\"a\",\"b\"]\n"))
	f.Add([]byte("FROM a\nRUN <<A <<-\"B\"\nx\nA\n\ty\n\tB\nHEALTHCHECK --interval=1s CMD [\"x\"]\n"))
	for _, h := range formattest.Hostile() {
		if len(h.Data) < 1<<12 {
			f.Add(h.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u := unitOf(string(data))
		rs, ds := New().Read(t.Context(), u)
		formattest.Check(t, cases(), u, rs, ds)
		compare(t, data)
	})
}

// compare checks that this package and BuildKit's parser split a file in the
// same way, where the parser takes the file at all.
func compare(t *testing.T, data []byte) {
	t.Helper()
	res, err := parser.Parse(bytes.NewReader(data))
	if err != nil || bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		return
	}
	rd := &reading{name: "Dockerfile", f: source.NewFile("Dockerfile", data), escape: '\\', global: newScope()}
	var got, want []string
	for _, in := range rd.scan() {
		if in.bad != "" {
			return // refused for a reason of our own
		}
		s := fmt.Sprint(in.line, " ", in.name)
		for _, f := range in.flags {
			v := "--" + f.name
			if f.hasValue {
				v += "=" + f.value
			}
			s += " " + strconv.Quote(v)
		}
		for _, h := range in.heredocs {
			s += " <<" + strconv.Quote(string(data[h.start:h.end]))
		}
		if in.json && in.name != "HEALTHCHECK" || in.name == "FROM" || in.name == "COPY" || in.name == "ADD" || in.name == "EXPOSE" {
			for _, w := range in.words {
				if w.value != "" {
					s += " " + strconv.Quote(w.value)
				}
			}
		}
		got = append(got, s)
	}
	for _, n := range res.AST.Children {
		if n.Value == "" {
			continue // lines with nothing on them but the escape character
		}
		s := fmt.Sprint(n.StartLine, " ", strings.ToUpper(n.Value))
		for _, f := range n.Flags {
			s += " " + strconv.Quote(f)
		}
		for _, h := range n.Heredocs {
			s += " <<" + strconv.Quote(h.Content)
		}
		switch name := strings.ToUpper(n.Value); {
		case n.Attributes["json"] && name != "HEALTHCHECK", name == "FROM", name == "COPY", name == "ADD", name == "EXPOSE":
			for w := n.Next; w != nil; w = w.Next {
				if w.Value != "" {
					s += " " + strconv.Quote(w.Value)
				}
			}
		}
		want = append(want, s)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("split otherwise than by BuildKit (-BuildKit +here):\n%s", d)
	}
}

func TestSplitLikeBuildKit(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, a.Files[0].Data)
	}
	compare(t, []byte(goodFile))
}

func BenchmarkRead(b *testing.B) {
	var src strings.Builder
	for i := range 20 {
		fmt.Fprintf(&src, "FROM golang:1.26.%d AS s%d\nRUN apt-get update && \\\n    apt-get install -y a b c\nCOPY --from=x --chown=1:1 a b /c/\nENV A=1 B=2\nUSER 1000\nCMD [\"a\", \"b\"]\n", i, i)
	}
	u := unitOf(src.String())
	r := New()
	b.ReportAllocs()
	b.SetBytes(int64(src.Len()))
	for b.Loop() {
		if rs, ds := r.Read(b.Context(), u); len(rs) != 1 || len(ds) > 0 {
			b.Fatalf("%d resources, %v", len(rs), ds)
		}
	}
}
