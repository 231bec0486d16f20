// Package kubernetes reads Kubernetes manifests, in YAML and JSON: every kind,
// custom resources among them, many documents a file, and lists whose items
// become resources of their own.
//
// Values mean what they mean to the cluster. kubectl and the API server decode
// manifests with sigs.k8s.io/yaml, which keeps to YAML 1.1 where yaml.v3 does
// not: a plain y, yes, on, n, no or off (in their usual capitalisations) is a
// boolean. Integers that fit are int64, all other numbers float64; timestamps
// stay strings, and so do .inf and .nan, which JSON cannot say and a cluster
// refuses. A name stays as it is written, be it a number or a boolean.
//
// yaml.v3 says where a node starts and never where it ends. The ends are found
// in the bytes, with the decoded value as the guide, in one pass from the start
// of a document to its end.
package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the reader's name, as it stands in Resource.Format and Unit.Format.
const Name = "kubernetes"

// Bounds on what one file may cost beyond its size, and say.
const (
	maxDepth       = 128     // of nested lists and maps, aliases followed
	maxExpanded    = 100_000 // nodes that the aliases of a file bring in
	maxOrigins     = 8       // of one node
	maxDiagnostics = 20      // of one file
)

// Reader reads units of manifests. It holds no state and is safe for
// concurrent use.
type Reader struct{}

// New makes a reader.
func New() Reader { return Reader{} }

// Read implements format.Reader. Files are read side by side; the order of the
// result is that of Unit.Files, and within a file that of the source. A
// document without apiVersion and kind is not a manifest and is passed over in
// silence. A document that cannot be read gives a diagnostic and costs none of
// the others.
func (Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	files := make([]fileReader, len(u.Files))
	g := errgroup.Group{}
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range u.Files {
		files[i].unit = &u
		g.Go(func() error {
			files[i].read(ctx, path)
			return nil
		})
	}
	_ = g.Wait() // what goes wrong is a diagnostic

	var rs []*resource.Resource
	var ds source.Diagnostics
	for i := range files {
		rs = append(rs, files[i].resources...)
		ds = append(ds, files[i].diagnostics...)
	}
	distinguish(rs, &ds)
	if err := ctx.Err(); err != nil {
		ds = append(ds, source.Diagnostic{Level: source.LevelError, Message: fmt.Sprintf("reading %s stopped: %v", clean(u.ID), err), NotEvaluated: u.ID})
	}
	ds.Sort()
	return rs, ds
}

// distinguish gives repeated identities a suffix. Names that the cluster makes
// up (generateName) repeat without harm.
func distinguish(rs []*resource.Resource, ds *source.Diagnostics) {
	taken := make(map[string]*resource.Resource, len(rs))
	next := map[string]int{}   // the suffix to try next, by identity
	warned := map[string]int{} // warnings by file
	for _, r := range rs {
		id := r.ID
		if first, repeated := taken[id]; repeated {
			n := max(next[id], 2)
			for taken[r.ID] != nil {
				r.ID = id + "#" + strconv.Itoa(n)
				n++
			}
			next[id] = n
			if generated(r) {
				taken[r.ID] = r
				continue
			}
			if warned[r.Range.File]++; warned[r.Range.File] <= maxDiagnostics {
				ds.Warnf(r.Range.File, r.Head.Start.Line, "%s is defined before, at %s:%d: only one of them can exist in a cluster",
					clean(id), clean(first.Range.File), first.Head.Start.Line)
			}
		}
		taken[r.ID] = r
	}
	for file, n := range warned {
		if n > maxDiagnostics {
			ds.Warnf(file, 0, "%d more resources of this file are defined before", n-maxDiagnostics)
		}
	}
}

// fileReader reads one file.
type fileReader struct {
	unit        *format.Unit
	resources   []*resource.Resource
	diagnostics source.Diagnostics
	unsaid      int  // diagnostics beyond the bound
	template    bool // the file was said to look like a template
	searches    int  // errors whose line was searched for
}

func (r *fileReader) read(ctx context.Context, path string) {
	if ctx.Err() != nil {
		return
	}
	data, err := load(r.unit, path)
	if err != nil {
		r.fail(path, 0, err.Error())
		return
	}
	f := source.NewFile(path, data)
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

// document reads one document. What it gives and what it says go together: an
// error in the middle of a JSON stream does not lose the objects before it.
func (r *fileReader) document(t *tree, d span) {
	f := t.f
	if at := invalidUTF8(f.Data[d.start:d.end]); at >= 0 {
		r.fail(f.Path, f.Pos(d.start+at).Line, "the text is not valid UTF-8")
		return
	}
	m := maker{unit: r.unit, f: f}
	var problem *problem
	if d.json {
		problem = readJSON(t, d, &m)
		if problem != nil && len(m.resources) == 0 && !isJSON(f.Path) {
			// Braces open a YAML map as well.
			m = maker{unit: r.unit, f: f}
			problem = readYAML(t, d, &m, r.mayRefine())
		}
	} else {
		problem = readYAML(t, d, &m, r.mayRefine())
	}
	r.resources = append(r.resources, m.resources...)
	for _, w := range m.diagnostics {
		r.say(w)
	}
	if problem == nil {
		return
	}
	if at := bytes.Index(f.Data[d.start:d.end], []byte("{{")); at >= 0 {
		if !r.template {
			r.template = true
			r.say(source.Diagnostic{File: f.Path, Line: f.Pos(d.start + at).Line, Level: source.LevelWarning,
				Message: "looks like a template; not evaluated", NotEvaluated: f.Path})
		}
		return
	}
	r.fail(f.Path, problem.line, problem.message)
}

// mayRefine allows a few searches for the exact line of an error per file.
func (r *fileReader) mayRefine() func() bool {
	const most = 4
	return func() bool {
		r.searches++
		return r.searches <= most
	}
}

func (r *fileReader) fail(file string, line int, message string) {
	r.say(source.Diagnostic{File: file, Line: line, Level: source.LevelError, Message: message, NotEvaluated: file})
}

func (r *fileReader) say(d source.Diagnostic) {
	if len(r.diagnostics) >= maxDiagnostics {
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
	return errors.New("cannot be read: " + clean(err.Error()))
}

// readable refuses what is no text at all; line is 0 where the whole file is
// meant.
func readable(f *source.File) (line int, err error) {
	if bytes.HasPrefix(f.Data, []byte("\xff\xfe")) || bytes.HasPrefix(f.Data, []byte("\xfe\xff")) {
		return 0, errors.New("is UTF-16; Kubernetes tools read UTF-8")
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

// clean makes a name from a file fit to stand in a message: one line of
// printable text of at most 120 characters.
func clean(s string) string {
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
