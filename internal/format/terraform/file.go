package terraform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// file is a source file together with what makes positions cheap: a file may
// be one line of megabytes with a value every few bytes.
type file struct {
	*source.File
	starts []int // of the lines
	ascii  bool
	// marks[i] is the number of code points that begin before byte i*markStep.
	marks    []int
	comments []resource.Comment // in file order
}

const markStep = 1024

func newFile(p string, data []byte) *file {
	f := &file{File: source.NewFile(p, data), starts: make([]int, 1, 1+bytes.Count(data, []byte{'\n'})), ascii: true}
	for i, b := range data {
		if b == '\n' {
			f.starts = append(f.starts, i+1)
		}
		f.ascii = f.ascii && b < utf8.RuneSelf
	}
	if !f.ascii {
		n := 0
		for i, b := range data {
			if i%markStep == 0 {
				f.marks = append(f.marks, n)
			}
			if utf8.RuneStart(b) {
				n++
			}
		}
		f.marks = append(f.marks, n)
	}
	return f
}

// runes counts the code points that begin before a byte of valid UTF-8.
func (f *file) runes(offset int) int {
	i := offset / markStep
	n := f.marks[i]
	for _, b := range f.Data[i*markStep : offset] {
		if utf8.RuneStart(b) {
			n++
		}
	}
	return n
}

func (f *file) pos(offset int) source.Pos {
	offset = max(0, min(offset, len(f.Data)))
	line := f.lineOf(offset)
	start := f.LineStart(line)
	col := offset - start
	if !f.ascii {
		col = f.runes(offset) - f.runes(start)
	}
	return source.Pos{Line: line, Column: col + 1, Byte: offset}
}

func (f *file) lineOf(offset int) int {
	i, found := slices.BinarySearch(f.starts, offset)
	if found {
		return i + 1
	}
	return i
}

// span gives the range between two byte offsets.
func (f *file) span(start, end int) source.Range {
	return source.Range{File: f.Path, Start: f.pos(start), End: f.pos(max(start, end))}
}

// at converts a range of the HCL parser, whose columns count grapheme
// clusters, by its byte offsets.
func (f *file) at(r hcl.Range) source.Range { return f.span(r.Start.Byte, r.End.Byte) }

var errTooLarge = errors.New("the file is too large")

// readFile reads at most limit bytes of a file of the tree.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	h, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	data, err := io.ReadAll(io.LimitReader(h, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errTooLarge
	}
	return data, nil
}

// load reads one file of the unit; nil after a diagnostic.
func (u *unit) load(name string) *file {
	limit := u.MaxFileSize
	data, err := readFile(u.FS, name, limit)
	switch {
	case errors.Is(err, errTooLarge):
		u.fail(name, 0, name, "the file is larger than %d bytes", limit)
		return nil
	case err != nil:
		u.fail(name, 0, name, "the file cannot be read: %v", reason(err))
		return nil
	case bytes.IndexByte(data, 0) >= 0:
		u.fail(name, 0, name, "the file is not text")
		return nil
	case !utf8.Valid(data):
		u.fail(name, 1+bytes.Count(validPrefix(data), []byte{'\n'}), name, "the file is not UTF-8")
		return nil
	}
	f := newFile(name, data)
	u.files[name] = f
	return f
}

func validPrefix(data []byte) []byte {
	i := 0
	for i < len(data) {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return data[:i]
}

// reason drops the path from an error of a file system, since the diagnostic
// names it already and the real disk is nobody's business.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// fail records an error; what is the name of what is left out because of it.
func (u *unit) fail(file string, line int, what, format string, args ...any) {
	u.diagnose(source.LevelError, file, line, what, format, args...)
}

func (u *unit) warn(file string, line int, what, format string, args ...any) {
	u.diagnose(source.LevelWarning, file, line, what, format, args...)
}

// maxDiagnostics bounds what one unit may say.
const maxDiagnostics = 500

func (u *unit) diagnose(level source.Level, file string, line int, what, format string, args ...any) {
	if len(u.ds) == maxDiagnostics {
		return
	}
	u.ds = append(u.ds, source.Diagnostic{
		File: file, Line: line, Level: level,
		Message: plain(fmt.Sprintf(format, args...), 400), NotEvaluated: plain(what, 200),
	})
}

// plain makes text from a repository fit for one line of a report.
func plain(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// inTree resolves a path of the configuration against the folder of the root
// module. ok is false when it leaves the tree or goes through a symbolic link.
func (u *unit) inTree(p string) (string, bool) {
	if p == "" || strings.ContainsRune(p, 0) || strings.Contains(p, "\\") || path.IsAbs(p) {
		return "", false
	}
	full := path.Join(u.Dir, p)
	return full, u.withoutLinks(full)
}

// withoutLinks reports whether a path stays in the tree and has no symbolic
// link on the way, which could lead out of it.
func (u *unit) withoutLinks(full string) bool {
	if !fs.ValidPath(full) {
		return false
	}
	for i := 0; i <= len(full); i++ {
		if i < len(full) && full[i] != '/' {
			continue
		}
		info, err := fs.Lstat(u.FS, full[:i])
		if err != nil {
			return true // not there; opening it says so
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return false
		}
	}
	return true
}

// commentsFor gives the comments within a range and those on the lines right
// above it.
func (f *file) commentsFor(r source.Range) []resource.Comment {
	first, _ := slices.BinarySearchFunc(f.comments, r.Start.Byte, func(c resource.Comment, at int) int {
		return c.Range.Start.Byte - at
	})
	last := first
	for last < len(f.comments) && f.comments[last].Range.Start.Byte < r.End.Byte {
		last++
	}
	// A comment behind the closing brace belongs to the block too.
	for last < len(f.comments) && f.comments[last].Trailing && f.comments[last].Range.Start.Line == r.End.Line {
		last++
	}
	line := r.Start.Line
	for first > 0 && !f.comments[first-1].Trailing && f.comments[first-1].Range.LastLine() == line-1 {
		first--
		line = f.comments[first].Range.Start.Line
	}
	return slices.Clone(f.comments[first:last])
}
