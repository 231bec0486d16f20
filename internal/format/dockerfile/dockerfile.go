// Package dockerfile reads Dockerfiles and Containerfiles. BuildKit's parser
// decides what is an instruction and what is a mistake; since it knows lines
// alone, this package finds the bytes of every name, flag and word itself.
package dockerfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the name of the format.
const Name = "dockerfile"

// Bounds on one file, far above what builds.
const (
	maxInstructions = 5_000
	maxWords        = 1_000 // of one instruction
	maxAllWords     = 50_000
	maxDiagnostics  = 50
)

// Reader reads Dockerfiles. It is safe for concurrent use.
type Reader struct{}

// New makes a reader.
func New() *Reader { return &Reader{} }

var _ format.Reader = (*Reader)(nil)

// Read gives one resource a file, with a root of this form:
//
//	stages: [{name, from: {image, repository, tag, digest, stage, platform}, base,
//	          instructions: [{name, value, args, flags, shell, env, heredocs, trigger}],
//	          user, final}]
//	args:   [{name, value}]  those in front of the first FROM
//
// The image is as written; repository, tag and digest have the defaults of
// ARGs put in, and are left out for an earlier stage, which stage then names.
// base is the image that a stage stands on in the end, through earlier stages. An
// instruction's name is in capitals. Its args are the words of the shell
// form, as written, or the strings of the exec form; value is everything
// behind the flags, a RUN's heredocs included. Both have the defaults of ARGs put
// in for EXPOSE and WORKDIR. env holds the pairs of ENV, ARG
// and LABEL without quotes. A RUN has its commands, as package shell gives them. trigger is what ONBUILD leaves behind. A stage's
// user is that of its last USER, or of the stage that it stands on.
func (r *Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	if u.MaxFileSize <= 0 {
		u.MaxFileSize = format.DefaultMaxFileSize
	}
	var out []*resource.Resource
	var ds source.Diagnostics
	for _, name := range u.Files {
		rd := &reading{name: name}
		if err := ctx.Err(); err != nil {
			rd.fail(0, "the reading was cancelled")
		} else if data, err := read(u.FS, name, u.MaxFileSize); err != nil {
			rd.fail(0, "the file cannot be read: %v", err)
		} else if res := rd.file(data); res != nil {
			res.Unit = u.ID
			out = append(out, res)
		}
		ds = append(ds, rd.ds...)
	}
	ds.Sort()
	return out, ds
}

func read(fsys fs.FS, name string, limit int64) ([]byte, error) {
	h, err := fsys.Open(name)
	if err != nil {
		return nil, reason(err)
	}
	defer h.Close()
	data, err := io.ReadAll(io.LimitReader(h, limit+1))
	switch {
	case err != nil:
		return nil, reason(err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	case bytes.IndexByte(data, 0) >= 0:
		return nil, errors.New("it is not text")
	}
	return data, nil
}

// reason drops the path, which the diagnostic names already.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// reading is the state of reading one file.
type reading struct {
	name string
	f    *source.File
	ds   source.Diagnostics
	// escape is the character that continues lines, a backslash unless a
	// directive says otherwise.
	escape   byte
	comments []resource.Comment
	globals  []*variable // ARGs in front of the first FROM
	global   *scope      // of them
	stages   []*stage
	ran      int // commands so far
}

func (rd *reading) fail(line int, format string, args ...any) {
	if len(rd.ds) >= maxDiagnostics {
		return
	}
	rd.ds = append(rd.ds, source.Diagnostic{
		File: rd.name, Line: line, Level: source.LevelError, Message: plain(fmt.Sprintf(format, args...)),
		NotEvaluated: plain(rd.name),
	})
}

// plain makes text from a repository fit for one line of a report.
func plain(s string) string {
	const limit = 300
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if len(s) > limit {
		cut := limit
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// file reads a whole file; nil where there is nothing to build.
func (rd *reading) file(data []byte) *resource.Resource {
	rd.f = source.NewFile(rd.name, data)
	rd.escape, rd.global = '\\', newScope()
	broken, words := 0, 0
	for i, in := range rd.scan() {
		if i == maxInstructions {
			rd.fail(in.line, "the file has more than %d instructions; the rest is left out", maxInstructions)
			break
		}
		if words += len(in.words) + len(in.flags); words > maxAllWords {
			rd.fail(in.line, "the file has more than %d words; the rest is left out", maxAllWords)
			break
		}
		if !rd.parse(in) {
			if broken++; broken == maxDiagnostics {
				rd.fail(in.line, "the file has too many errors; the rest is left out")
				break
			}
			continue
		}
		rd.take(in)
	}
	if len(rd.stages) == 0 {
		if len(rd.ds) == 0 {
			rd.fail(0, "the file has no FROM")
		}
		return nil
	}
	return rd.resource()
}

// take puts an instruction where it belongs.
func (rd *reading) take(in *instruction) {
	switch {
	case in.name == "FROM":
		if st := rd.from(in); st != nil {
			rd.stages = append(rd.stages, st)
		}
	case len(rd.stages) > 0:
		rd.stages[len(rd.stages)-1].add(rd, in)
	case in.name == "ARG":
		for _, v := range rd.variables(in, rd.global) {
			rd.globals = append(rd.globals, v)
			rd.global.set(v)
		}
	default:
		rd.fail(in.line, "%s stands in front of the first FROM", in.name)
	}
}

func (rd *reading) resource() *resource.Resource {
	last := rd.stages[len(rd.stages)-1]
	first := rd.stages[0].from.rng
	for _, g := range rd.globals {
		if g.in.rng.Start.Byte < first.Start.Byte {
			first = g.in.rng
		}
	}
	whole := source.Range{File: rd.name, Start: first.Start, End: last.end()}
	root := &resource.Node{Kind: resource.Map, Range: whole}
	stages := &resource.Node{Kind: resource.List, Range: source.Range{File: rd.name, Start: rd.stages[0].from.rng.Start, End: whole.End}}
	for _, st := range rd.stages {
		stages.Items = append(stages.Items, st.node(rd, st == last))
	}
	args := &resource.Node{Kind: resource.List, Range: whole}
	for _, g := range rd.globals {
		args.Items = append(args.Items, g.node)
	}
	root.Fields = []resource.Field{{Name: "stages", Node: stages}, {Name: "args", Node: args}}
	return &resource.Resource{
		ID: "dockerfile/" + rd.name, Platform: resource.Dockerfile, Format: Name, Kind: "Dockerfile", Name: rd.name,
		Root: root, Range: whole, Head: last.from.rng, Comments: rd.comments,
	}
}
