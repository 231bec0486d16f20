package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// scan looks through the kustomizations of a unit and lays out what they name.
type scan struct {
	ctx      context.Context
	u        *format.Unit
	specs    map[string]*spec // by folder
	manuals  map[string]*file // by path: manifests and patches
	files    []*file          // the same, and inline patches
	plain    map[string]int   // by path: other files, with the number they are laid out under
	order    []*spec          // as they were found
	docs     []*document      // in the order of their lines
	next     int              // first line that is free
	laidOut  int              // bytes
	sources  int              // bytes
	numbers  int
	contents map[string][]byte // of the file system that the build sees, by path
	openAPI  bool
	rootDir  string

	parts      map[*document]*file // of patches that are several documents, where each is laid out by itself
	chartsRead int
	unknowns   []*resource.Node // of rendered charts, by the number in what stands for them
	failed     bool
	diags      source.Diagnostics
}

// spec is one kustomization or component.
type spec struct {
	dir, path string
	number    int
	file      *source.File
	root      *resource.Node
	comments  []resource.Comment
	component bool
	depth     int
	entered   bool // is being looked through
	instances int  // resources that it builds at most
	lacks     bool // something that it would build is not there: a remote base, a chart

	// data is what the build sees, without what it must not; plain the same
	// without JSON patches, nil where there are none.
	data map[string]any
	bare map[string]any

	// The patches of the three fields in the order in which they run, and those of
	// the latter two that are no JSON patches.
	early, middle, late []any
	merges              []any

	uses       []use // resources and bases, then components, in their order
	generators []generator
	operations []operations // JSON patches, in the order in which they run
	mergings   []merging    // strategic merge patches
	replaces   []*resource.Node
}

// use is an entry that brings a file or another kustomization in.
type use struct {
	at        source.Range
	file      *file
	spec      *spec
	component bool
}

// file is a file of manifests, or of one patch.
type file struct {
	path   string
	number int
	docs   []*document
	count  int // resources
	list   bool
}

func newScan(ctx context.Context, u *format.Unit) *scan {
	return &scan{
		ctx: ctx, u: u, rootDir: u.Dir,
		specs: map[string]*spec{}, manuals: map[string]*file{}, plain: map[string]int{}, contents: map[string][]byte{},
		parts: map[*document]*file{},
		next:  firstLine,
	}
}

// title is how people call the kustomization of the unit.
func (s *scan) title() string {
	if s.rootDir == "." {
		return "the root's kustomization"
	}
	return s.rootDir
}

// start looks through the kustomization of the unit's folder.
func (s *scan) start() *spec {
	return s.enter(s.u.Dir, source.Range{}, 0, false)
}

func (s *scan) done() source.Diagnostics {
	s.diags.Sort()
	return s.diags
}

// fail ends the unit with a cause; the first one counts.
func (s *scan) fail(at source.Range, format string, args ...any) {
	if s.failed {
		return
	}
	s.failed = true
	s.diags = append(s.diags, source.Diagnostic{
		File: at.File, Line: at.Start.Line, Level: source.LevelError, Message: fmt.Sprintf(format, args...), NotEvaluated: s.title(),
	})
}

// leave names what is left out of the build.
func (s *scan) leave(at source.Range, what, format string, args ...any) {
	s.diags = append(s.diags, source.Diagnostic{
		File: at.File, Line: at.Start.Line, Level: source.LevelWarning, Message: fmt.Sprintf(format, args...), NotEvaluated: yamltree.Clean(what),
	})
}

func (s *scan) number() int {
	s.numbers++
	return s.numbers
}

// enter reads the kustomization of a folder, once.
func (s *scan) enter(dir string, at source.Range, depth int, component bool) *spec {
	if k := s.specs[dir]; k != nil {
		if k.entered {
			s.fail(at, "%s includes itself", yamltree.Clean(dir))
		}
		return k
	}
	if depth > maxDepth {
		s.fail(at, "kustomizations lie more than %d deep within each other", maxDepth)
		return nil
	}
	name, n := s.kustomizationOf(dir)
	switch {
	case n == 0 && at.IsZero():
		s.diags.Errorf(s.u.Files[0], 0, "cannot be read: there is no kustomization file in %s", yamltree.Clean(dir))
		s.failed = true
		return nil
	case n == 0:
		s.fail(at, "%s has no kustomization file", yamltree.Clean(dir))
		return nil
	case n > 1:
		s.fail(source.Range{File: name}, "%s has more than one kustomization file", yamltree.Clean(dir))
		return nil
	}
	k := &spec{dir: dir, path: name, number: s.number(), depth: depth, entered: true, component: component, data: map[string]any{}}
	s.specs[dir] = k
	s.order = append(s.order, k)
	if s.load(k) {
		s.fields(k)
		s.count(k)
	}
	k.entered = false
	return k
}

// kustomizationOf names the kustomization file of a folder, and says how many
// there are.
func (s *scan) kustomizationOf(dir string) (string, int) {
	found, n := "", 0
	for _, base := range FileNames() {
		if name := path.Join(dir, base); regular(s.u.FS, name) {
			if n == 0 {
				found = name
			}
			n++
		} else if dir == s.u.Dir && n == 0 && s.named(name) {
			found, n = name, 1 // its reading says what is wrong with it
		}
	}
	return found, n
}

func (s *scan) named(name string) bool {
	for _, f := range s.u.Files {
		if f == name {
			return true
		}
	}
	return false
}

// load reads the kustomization file itself.
func (s *scan) load(k *spec) bool {
	ds := yamltree.Read(s.ctx, s.u, k.path, yamltree.Options{OldBooleans: true}, func(d yamltree.Document) source.Diagnostics {
		if k.root == nil {
			k.file, k.root, k.comments = d.File, d.Root, d.Comments
		} else if d.Root.Kind != resource.Null {
			s.fail(d.Root.Range, "a kustomization is one document; this is another")
		}
		return nil
	})
	s.read(ds)
	switch {
	case s.failed:
	case k.root == nil || k.root.Kind == resource.Null:
		s.fail(source.Range{File: k.path}, "the kustomization is empty")
	case k.root.Kind != resource.Map:
		s.fail(k.root.Range, "a kustomization is a map")
	default:
		s.sources += len(k.file.Data)
		return true
	}
	return false
}

// read takes over what a reading says; an error, or something that was not
// evaluated, ends the unit.
func (s *scan) read(ds source.Diagnostics) {
	for _, d := range ds {
		if d.Level == source.LevelError || d.NotEvaluated != "" {
			d.Level, d.NotEvaluated = source.LevelError, s.title()
			s.failed = true
		}
		s.diags = append(s.diags, d)
	}
}

// count bounds how many resources the build can come to.
func (s *scan) count(k *spec) {
	for _, u := range k.uses {
		switch {
		case u.file != nil:
			k.instances += u.file.count
		case u.spec != nil:
			k.instances += u.spec.instances
		}
	}
	k.instances += len(k.generators)
	if k.instances > maxInstances {
		s.fail(source.Range{File: k.path}, "builds more than %d resources", maxInstances)
	}
}

// errNone says that a path is not there.
var errNone = errors.New("does not exist")

// resolve gives the path in the tree that a kustomization's entry means, and
// whether it is a folder.
func (s *scan) resolve(k *spec, entry string) (name string, dir bool, err error) {
	if path.IsAbs(entry) {
		return "", false, errors.New("is an absolute path, outside of the repository")
	}
	name = path.Join(k.dir, entry)
	if !fs.ValidPath(name) {
		return "", false, errors.New("lies outside of the repository")
	}
	info, err := fs.Stat(s.u.FS, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, errNone
	case err != nil:
		return "", false, errors.New("cannot be read")
	case info.IsDir():
		return name, true, nil
	case !info.Mode().IsRegular():
		return "", false, errors.New("is not a regular file (a symbolic link is not followed)")
	}
	return name, false, nil
}

// remote reports whether an entry that is no path of the tree is meant to be
// fetched.
func remote(entry string) bool {
	lower := strings.ToLower(entry)
	if strings.Contains(lower, "://") || strings.HasPrefix(lower, "git::") || strings.HasPrefix(lower, "git@") || strings.Contains(lower, "?ref=") || strings.Contains(lower, ".git//") {
		return true
	}
	host, _, more := strings.Cut(lower, "/")
	if user, rest, ok := strings.Cut(host, "@"); ok && user != "" && strings.Contains(rest, ":") {
		return true
	}
	return more && host != "." && host != ".." && strings.Contains(strings.Trim(host, "."), ".")
}

// manifests takes up a file of manifests or patches.
func (s *scan) manifests(name string, at source.Range) *file {
	if f := s.manuals[name]; f != nil {
		return f
	}
	f := &file{path: name, number: s.number()}
	s.manuals[name] = f
	s.files = append(s.files, f)
	if !s.room(at) {
		return f
	}
	ds := yamltree.Read(s.ctx, s.u, name, yamltree.Options{OldBooleans: true, Candidate: something}, func(d yamltree.Document) source.Diagnostics {
		s.layOut(f, &document{path: name, file: d.File, root: d.Root, comments: d.Comments, exact: true})
		return nil
	})
	s.read(ds)
	s.write(f)
	return f
}

func something(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode || n.Tag != "!!null" }

// other takes up a file that the build reads as it is.
func (s *scan) other(name string, at source.Range) int {
	if n, ok := s.plain[name]; ok {
		return n
	}
	n := s.number()
	s.plain[name] = n
	if !s.room(at) {
		return n
	}
	data, err := readBounded(s.u, name)
	if err != nil {
		s.fail(at, "%s %v", yamltree.Clean(name), err)
		return n
	}
	s.sources += len(data)
	s.contents[plainPath(n)] = data
	return n
}

// room reports whether one more file may be taken up.
func (s *scan) room(at source.Range) bool {
	switch {
	case len(s.manuals)+len(s.plain) > maxFiles:
		s.fail(at, "the kustomizations name more than %d files", maxFiles)
	case s.sources > maxSourceSize:
		s.fail(at, "the files that the kustomizations name have more than %d bytes", maxSourceSize)
	default:
		return s.ctx.Err() == nil
	}
	return false
}

func plainPath(n int) string { return fmt.Sprintf("/o/%d", n) }
