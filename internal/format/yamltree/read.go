// Package yamltree reads YAML and JSON into trees of nodes that know the bytes
// they came from. It knows no format: what a document means is for the rooms
// that read one.
//
// Integers that fit are int64, all other numbers float64; timestamps stay
// strings, and so do .inf and .nan, which JSON cannot say. A name stays as it is
// written, be it a number or a boolean.
//
// yaml.v3 says where a node starts and never where it ends. The ends are found
// in the bytes, with the decoded value as the guide, in one pass from the start
// of a document to its end.
package yamltree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on what one file may cost beyond its size, and say.
const (
	MaxDepth       = 128     // of nested lists and maps, aliases followed
	maxExpanded    = 100_000 // nodes that the aliases of a file bring in
	maxOrigins     = 8       // of one node
	MaxDiagnostics = 20      // of one file
)

// Options say how the documents of a format are read. The zero value reads
// every document, by the rules of YAML 1.2.
type Options struct {
	// Candidate reports whether a YAML document is worth being read; the others
	// are passed over in silence. nil: all but empty ones are.
	Candidate func(*yaml.Node) bool
	// OldBooleans takes a plain y, yes, on, n, no or off (in their usual
	// capitalisations) for a boolean, as YAML 1.1 does.
	OldBooleans bool
	// Tagged gives what a value with a tag of the format's own (!Ref) means. n
	// is the value without it, and its Range begins at the tag. nil: such tags
	// say nothing.
	Tagged func(tag string, n *resource.Node) *resource.Node
}

// Document is what one document of a file says.
type Document struct {
	File     *source.File
	Root     *resource.Node
	Comments []resource.Comment // all of the document's, in order; JSON has none
}

// ReadAll reads the files of a unit one after the other, as Read does each. A
// context that ends is an error that names the unit.
func ReadAll(ctx context.Context, u *format.Unit, o Options, each func(Document) source.Diagnostics) source.Diagnostics {
	var ds source.Diagnostics
	for _, p := range u.Files {
		ds = append(ds, Read(ctx, u, p, o, each)...)
	}
	if err := ctx.Err(); err != nil {
		ds = append(ds, source.Diagnostic{Level: source.LevelError, Message: fmt.Sprintf("reading %s stopped: %v", Clean(u.ID), err), NotEvaluated: u.ID})
	}
	ds.Sort()
	return ds
}

// Read reads one file of a unit and hands its documents to each, in order. What
// cannot be read gives a diagnostic and costs none of the other documents; the
// diagnostics that each gives back count among the file's, of which there are at
// most MaxDiagnostics and one that counts the rest.
func Read(ctx context.Context, u *format.Unit, path string, o Options, each func(Document) source.Diagnostics) source.Diagnostics {
	r := reader{o: o, each: each}
	r.read(ctx, u, path)
	return r.diagnostics
}

// ReadText reads a text that is at hand as Read does a file. What it gives has
// places in f.
func ReadText(ctx context.Context, f *source.File, o Options, each func(Document) source.Diagnostics) source.Diagnostics {
	r := reader{o: o, each: each}
	r.text(ctx, f)
	return r.diagnostics
}

// reader reads one file.
type reader struct {
	o           Options
	each        func(Document) source.Diagnostics
	diagnostics source.Diagnostics
	unsaid      int  // diagnostics beyond the bound
	template    bool // the file was said to look like a template
	searches    int  // errors whose line was searched for
}

func (r *reader) read(ctx context.Context, u *format.Unit, path string) {
	if ctx.Err() != nil {
		return
	}
	data, err := load(u, path)
	if err != nil {
		r.fail(path, 0, err.Error())
		return
	}
	r.text(ctx, source.NewFile(path, data))
}

func (r *reader) text(ctx context.Context, f *source.File) {
	path := f.Path
	if line, err := readable(f); err != nil {
		r.fail(path, line, err.Error())
		return
	}
	t := newTree(f)
	for _, d := range split(t) {
		if ctx.Err() != nil {
			return
		}
		r.document(t, d)
	}
	if r.unsaid > 0 {
		r.diagnostics.Errorf(path, 0, "%d more problems in this file", r.unsaid)
	}
}

// value is a document that was read, with what is to be said about it.
type value struct {
	root        *resource.Node
	comments    []resource.Comment
	diagnostics source.Diagnostics
}

// document reads one document. What it gives and what it says go together: an
// error in the middle of a JSON stream does not lose the objects before it.
func (r *reader) document(t *tree, d span) {
	f := t.f
	if at := invalidUTF8(f.Data[d.start:d.end]); at >= 0 {
		r.fail(f.Path, f.Pos(d.start+at).Line, "the text is not valid UTF-8")
		return
	}
	var values []value
	var problem *problem
	if d.json {
		values, problem = readJSON(t, d)
		if problem != nil && !isJSON(f.Path) {
			// Braces open a YAML map as well.
			v, p := readYAML(t, d, r.o, r.mayRefine())
			if p == nil || len(values) == 0 {
				values, problem = v, p
			}
		}
	} else {
		values, problem = readYAML(t, d, r.o, r.mayRefine())
	}
	for _, v := range values {
		ds := r.each(Document{File: f, Root: v.root, Comments: v.comments})
		for _, w := range append(v.diagnostics, ds...) {
			r.say(w)
		}
	}
	if problem == nil {
		return
	}
	if at := templateAt(f.Data[d.start:d.end]); at >= 0 {
		if !r.template {
			r.template = true
			r.say(source.Diagnostic{File: f.Path, Line: f.Pos(d.start + at).Line, Level: source.LevelWarning,
				Message: "looks like a template; not evaluated", NotEvaluated: f.Path})
		}
		return
	}
	r.fail(f.Path, problem.line, problem.message)
}

// templateAt is the offset of the first braces that a template engine would
// fill in, -1 where there are none. With a dollar sign they are an expression
// of a workflow.
func templateAt(data []byte) int {
	for i := 0; ; i += 2 {
		n := bytes.Index(data[i:], []byte("{{"))
		if n < 0 {
			return -1
		}
		i += n
		if i == 0 || data[i-1] != '$' {
			return i
		}
	}
}

// mayRefine allows a few searches for the exact line of an error per file.
func (r *reader) mayRefine() func() bool {
	const most = 4
	return func() bool {
		r.searches++
		return r.searches <= most
	}
}

func (r *reader) fail(file string, line int, message string) {
	r.say(source.Diagnostic{File: file, Line: line, Level: source.LevelError, Message: message, NotEvaluated: file})
}

func (r *reader) say(d source.Diagnostic) {
	if len(r.diagnostics) >= MaxDiagnostics {
		r.unsaid++
		return
	}
	r.diagnostics = append(r.diagnostics, d)
}

// problem is why a document could not be read.
type problem struct {
	line    int // 1-based, of the file
	message string
}

func load(u *format.Unit, path string) ([]byte, error) {
	limit := u.MaxFileSize
	if limit <= 0 {
		limit = format.DefaultMaxFileSize
	}
	file, err := u.FS.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, cause(err)
	}
	if info.IsDir() {
		return nil, errors.New("cannot be read: it is a directory")
	}
	var buf bytes.Buffer
	if n := info.Size(); n > limit {
		return nil, tooLarge(limit)
	} else if n > 0 {
		buf.Grow(int(n) + bytes.MinRead)
	}
	// The size that a file system tells is not to be relied on.
	if _, err := buf.ReadFrom(io.LimitReader(file, limit+1)); err != nil {
		return nil, cause(err)
	}
	if int64(buf.Len()) > limit {
		return nil, tooLarge(limit)
	}
	return buf.Bytes(), nil
}

func tooLarge(limit int64) error {
	return fmt.Errorf("is larger than %d bytes and was not read", limit)
}

// cause leaves out the path, which the diagnostic names.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return errors.New("cannot be read: " + Clean(err.Error()))
}

// readable refuses what is no text at all; line is 0 where the whole file is
// meant.
func readable(f *source.File) (line int, err error) {
	if bytes.HasPrefix(f.Data, []byte("\xff\xfe")) || bytes.HasPrefix(f.Data, []byte("\xfe\xff")) {
		return 0, errors.New("is UTF-16; write it in UTF-8")
	}
	if i := bytes.IndexByte(f.Data, 0); i >= 0 {
		return f.Pos(i).Line, errors.New("is a binary file: it holds a NUL byte")
	}
	return 0, nil
}

// invalidUTF8 is the offset of the first invalid byte, -1 where there is none.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return -1
}

// Clean makes a name from a file fit to stand in a message: one line of
// printable text of at most 120 characters.
func Clean(s string) string {
	const most = 120
	out := make([]rune, 0, min(len(s), most))
	for _, c := range s {
		if len(out) == most {
			out[most-1] = '…'
			break
		}
		if !unicode.IsPrint(c) {
			c = utf8.RuneError
		}
		out = append(out, c)
	}
	return string(out)
}
