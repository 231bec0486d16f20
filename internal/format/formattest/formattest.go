// Package formattest is the conformance suite of the readers: what every
// format.Reader owes to the rooms above it, whatever it reads. A reader's own
// test gives Cases and calls Run.
package formattest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Cases is what the suite has to know about a format.
type Cases struct {
	// Format is the reader's name, as it stands in Resource.Format.
	Format string
	// Platforms are those that its resources may have. Empty: any.
	Platforms []string
	// Units are good and broken input with what is to come of it.
	Units []Unit
	// File is the name of a file that the format reads ("main.tf"). Hostile
	// input is given under it.
	File string
	// With are files that every unit has beside File, where File alone is none:
	// the definition of a chart around a template.
	With map[string]string
	// Good is content for File that gives at least one resource and no
	// diagnostics.
	Good string
	// Broken is content that gives an error diagnostic and no resource.
	Broken string
	// Beside is the name of a second file of the same unit; "" where a unit
	// has one file. Good in File must survive Broken in Beside.
	Beside string
	// Key decodes the source text of a KeyRange to the field's name; ok is
	// false for text that only the format itself can judge. nil: not checked.
	Key func(text string) (name string, ok bool)
	// Scalar decodes the source text of a scalar to the value that its node
	// must have: nil, bool, int64, float64 or string. ok is false for text
	// whose value is computed. nil: not checked.
	Scalar func(text string, n *resource.Node) (value any, ok bool)
	// Node checks what only the format can check of one node; src is the file
	// that the node's Range lies in. nil: not checked.
	Node func(src *source.File, res *resource.Resource, path resource.Path, n *resource.Node) error
	// Limit is the longest that one hostile input may take; 0 means 10 s,
	// which leaves room for the race detector on a busy machine.
	Limit time.Duration
}

// Unit is one unit to read.
type Unit struct {
	Name  string
	Dir   string            // "" means "."
	Files map[string]string // the whole tree, by path
	Read  []string          // Unit.Files; nil: all of Files, sorted
	// IDs are the resources that must come, in order. nil: not checked.
	IDs []string
	// Diagnostics must come in this order, each as "file:line: level: part of
	// the message" ("file: level: …" without a line). nil: none may come.
	Diagnostics []string
}

func (c Cases) limit() time.Duration {
	if c.Limit > 0 {
		return c.Limit
	}
	return 10 * time.Second
}

func (c Cases) unit(u Unit) format.Unit {
	dir := u.Dir
	if dir == "" {
		dir = "."
	}
	fsys := fstest.MapFS{}
	for p, s := range u.Files {
		fsys[p] = &fstest.MapFile{Data: []byte(s)}
	}
	files := u.Read
	if files == nil {
		for p := range u.Files {
			files = append(files, p)
		}
		sort.Strings(files)
	}
	return format.Unit{ID: c.Format + ":" + dir, Format: c.Format, Dir: dir, Files: files, FS: fsys, MaxFileSize: format.DefaultMaxFileSize}
}

func (c Cases) one(content string) format.Unit {
	return c.unit(Unit{Files: c.with(map[string]string{c.File: content})})
}

// with adds the files that every unit has.
func (c Cases) with(files map[string]string) map[string]string {
	for name, text := range c.With {
		files[name] = text
	}
	return files
}

// Run runs the whole suite on r.
func Run(t *testing.T, r format.Reader, c Cases) {
	t.Helper()
	for _, u := range c.Units {
		t.Run("unit/"+u.Name, func(t *testing.T) { runUnit(t, r, c, u) })
	}
	t.Run("good", func(t *testing.T) {
		u := c.one(c.Good)
		rs, ds := r.Read(t.Context(), u)
		if len(rs) == 0 || len(ds) > 0 {
			t.Fatalf("the good file gave %d resources and the diagnostics %v", len(rs), ds)
		}
		Check(t, c, u, rs, ds)
	})
	t.Run("broken", func(t *testing.T) {
		u := c.one(c.Broken)
		rs, ds := r.Read(t.Context(), u)
		if len(rs) > 0 || !has(ds, source.LevelError, c.File) {
			t.Fatalf("the broken file gave %d resources and the diagnostics %v", len(rs), ds)
		}
		Check(t, c, u, rs, ds)
	})
	if c.Beside != "" {
		t.Run("broken beside good", func(t *testing.T) { runBeside(t, r, c) })
	}
	t.Run("missing file", func(t *testing.T) {
		u := c.one(c.Good)
		u.FS = fstest.MapFS{}
		rs, ds := r.Read(t.Context(), u)
		if len(rs) > 0 || !has(ds, source.LevelError, c.File) {
			t.Fatalf("a missing file gave %d resources and the diagnostics %v", len(rs), ds)
		}
	})
	t.Run("unreadable file", func(t *testing.T) {
		u := c.one(c.Good)
		u.FS = failingFS{}
		rs, ds := r.Read(t.Context(), u)
		if len(rs) > 0 || !has(ds, source.LevelError, c.File) {
			t.Fatalf("a file that cannot be read gave %d resources and the diagnostics %v", len(rs), ds)
		}
	})
	t.Run("file too large", func(t *testing.T) {
		u := c.one(c.Good)
		u.MaxFileSize = int64(len(c.Good)) - 1
		rs, ds := r.Read(t.Context(), u)
		if len(rs) > 0 || !has(ds, source.LevelError, c.File) {
			t.Fatalf("a file over MaxFileSize gave %d resources and the diagnostics %v", len(rs), ds)
		}
		u.MaxFileSize = int64(len(c.Good))
		if rs, ds := r.Read(t.Context(), u); len(rs) == 0 || len(ds) > 0 {
			t.Fatalf("a file of exactly MaxFileSize gave %d resources and the diagnostics %v", len(rs), ds)
		}
	})
	t.Run("no files", func(t *testing.T) {
		u := c.one(c.Good)
		u.Files = nil
		if rs, ds := r.Read(t.Context(), u); len(rs) > 0 || len(ds) > 0 {
			t.Fatalf("a unit without files gave %d resources and the diagnostics %v", len(rs), ds)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		u := c.one(c.Good)
		rs, ds := r.Read(ctx, u)
		if len(rs) == 0 && len(ds) == 0 {
			t.Fatal("a cancelled reading gave nothing and did not say so")
		}
		Check(t, c, u, rs, ds)
	})
	for _, h := range Hostile() {
		t.Run("hostile/"+h.Name, func(t *testing.T) {
			u := c.one(string(h.Data))
			rs, ds := read(t, r, c, u)
			Check(t, c, u, rs, ds)
		})
		t.Run("hostile after good/"+h.Name, func(t *testing.T) {
			u := c.one(c.Good + "\n" + string(h.Data))
			rs, ds := read(t, r, c, u)
			Check(t, c, u, rs, ds)
		})
	}
}

func runUnit(t *testing.T, r format.Reader, c Cases, cu Unit) {
	u := c.unit(cu)
	rs, ds := read(t, r, c, u)
	Check(t, c, u, rs, ds)
	if cu.IDs != nil {
		ids := []string{}
		for _, res := range rs {
			ids = append(ids, res.ID)
		}
		if d := cmp.Diff(cu.IDs, ids); d != "" {
			t.Errorf("resources (-want +got):\n%s", d)
		}
	}
	if len(ds) != len(cu.Diagnostics) {
		t.Fatalf("got the diagnostics %q, want %q", show(ds), cu.Diagnostics)
	}
	for i, want := range cu.Diagnostics {
		if !matches(ds[i], want) {
			t.Errorf("diagnostic %d is %q, want %q", i, show(ds[i : i+1])[0], want)
		}
	}
	again, ds2 := read(t, r, c, u)
	if d := cmp.Diff(rs, again); d != "" {
		t.Errorf("a second reading gave something else:\n%s", d)
	}
	if d := cmp.Diff(ds, ds2); d != "" {
		t.Errorf("a second reading gave other diagnostics:\n%s", d)
	}
}

func runBeside(t *testing.T, r format.Reader, c Cases) {
	alone, _ := r.Read(t.Context(), c.one(c.Good))
	u := c.unit(Unit{Files: c.with(map[string]string{c.File: c.Good, c.Beside: c.Broken})})
	rs, ds := r.Read(t.Context(), u)
	Check(t, c, u, rs, ds)
	if !has(ds, source.LevelError, c.Beside) {
		t.Errorf("the broken file gave no error: %v", ds)
	}
	want := map[string]bool{}
	for _, res := range alone {
		want[res.ID] = true
	}
	for _, res := range rs {
		delete(want, res.ID)
	}
	if len(want) > 0 {
		t.Errorf("lost because of the broken file beside: %v", want)
	}
}

// read reads u and fails the test if that takes longer than the limit. A
// reading that never ends costs the test a goroutine, not its result.
func read(t *testing.T, r format.Reader, c Cases, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	t.Helper()
	type result struct {
		rs []*resource.Resource
		ds source.Diagnostics
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithTimeout(t.Context(), c.limit())
	defer cancel()
	begin := time.Now()
	go func() {
		rs, ds := r.Read(ctx, u)
		done <- result{rs, ds}
	}()
	timer := time.NewTimer(c.limit() + time.Second)
	defer timer.Stop()
	select {
	case got := <-done:
		if d := time.Since(begin); d > c.limit() {
			t.Errorf("reading took %v, more than %v", d, c.limit())
		}
		return got.rs, got.ds
	case <-timer.C:
		t.Fatalf("reading did not end within %v", c.limit())
	}
	return nil, nil
}

func has(ds source.Diagnostics, level source.Level, file string) bool {
	for _, d := range ds {
		if d.Level == level && d.File == file {
			return true
		}
	}
	return false
}

func show(ds source.Diagnostics) []string {
	var out []string
	for _, d := range ds {
		out = append(out, text(d))
	}
	return out
}

func text(d source.Diagnostic) string {
	if d.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", d.File, d.Level, d.Message)
	}
	return fmt.Sprintf("%s:%d: %s: %s", d.File, d.Line, d.Level, d.Message)
}

func matches(d source.Diagnostic, want string) bool {
	place, part, ok := strings.Cut(want, ": "+string(d.Level)+": ")
	return ok && strings.HasPrefix(text(d), place+": ") && strings.Contains(d.Message, part)
}

// failingFS opens files whose reading fails.
type failingFS struct{}

func (failingFS) Open(name string) (fs.File, error) { return failingFile{name}, nil }

type failingFile struct{ name string }

func (f failingFile) Stat() (fs.FileInfo, error) { return nil, errBroken }
func (f failingFile) Read([]byte) (int, error)   { return 0, errBroken }
func (f failingFile) Close() error               { return nil }

var errBroken = errors.New("the disk is broken")

// plain reports whether a message can be shown as it is: one line of printable
// text of a bounded length.
func plain(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > 1000:
		return fmt.Errorf("is %d bytes long", len(s))
	case !utf8.ValidString(s):
		return errors.New("is not UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("holds control characters")
	}
	return nil
}
