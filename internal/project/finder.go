package project

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Options bounds what a Finder takes up. A zero field has its default.
type Options struct {
	MaxFiles    int   // files of a review, changed ones that may hold infrastructure code: 3,000
	MaxScan     int   // files of a scan: 200,000
	MaxDepth    int   // folders within each other: 64
	MaxFolder   int   // files of one Terraform module: 1,000
	MaxFolders  int   // folders that are searched for the overlays over what changed: 2,000
	MaxBeside   int   // manifests of a folder that are read beside the changed ones: 200
	MaxFileSize int64 // bytes of one file: format.DefaultMaxFileSize
	Parallel    int   // reads at once: number of CPUs
}

// sniffed is how much of a YAML or JSON file is looked at to tell a manifest.
const sniffed = 256 << 10

// Announcer is what a lazy tree may implement: the paths will be read soon, and
// the first read of any announced file may fetch them all. Paths that do not
// exist are ignored.
type Announcer interface {
	Announce(paths ...string)
}

// New gives a Finder of Kubernetes manifests, Helm charts, Terraform modules, Dockerfiles,
// Compose files, CloudFormation templates, workflows and actions of GitHub
// Actions, templates of Packer, cloud-init and user data. It is safe for concurrent use.
func New(o Options) Finder {
	o.MaxFiles = cmp.Or(o.MaxFiles, 3_000)
	o.MaxScan = cmp.Or(o.MaxScan, 200_000)
	o.MaxDepth = cmp.Or(o.MaxDepth, 64)
	o.MaxFolder = cmp.Or(o.MaxFolder, 1_000)
	o.MaxFolders = cmp.Or(o.MaxFolders, 2_000)
	o.MaxBeside = cmp.Or(o.MaxBeside, 200)
	o.MaxFileSize = cmp.Or(o.MaxFileSize, format.DefaultMaxFileSize)
	o.Parallel = cmp.Or(o.Parallel, runtime.GOMAXPROCS(0))
	return &finder{opt: o}
}

type finder struct {
	opt Options
	set Settings
}

func (f *finder) With(s Settings) Finder { return &finder{f.opt, s} }

// side collects what one tree's files belong to.
type side struct {
	opt      Options
	set      Settings
	named    map[string]bool // files that a scan was asked for by name
	fsys     fs.FS
	quiet    bool // say nothing: what the base lacks is no news
	keep     Filter
	charts   map[string]bool // folders of charts that are reached
	given    []string        // values files outside of charts that the configuration names; nil before they are searched
	every    []string        // charts of the tree; nil before they are searched
	isDir    map[string]bool // folder → has a Chart.yaml
	overlays *overlays
	units    map[string]*format.Unit
	seen     map[string]bool
	check    []string // files whose content decides
	diags    source.Diagnostics
}

func (f *finder) side(fsys fs.FS, keep Filter, quiet bool) *side {
	s := &side{
		opt: f.opt, set: f.set, fsys: fsys, keep: keep, quiet: quiet,
		charts: map[string]bool{}, isDir: map[string]bool{}, units: map[string]*format.Unit{}, seen: map[string]bool{},
	}
	s.overlays = newOverlays(s)
	return s
}

func (s *side) kept(name string) bool { return s.keep == nil || s.keep(name) }

func (s *side) warn(name, notEvaluated, text string, args ...any) {
	if s.quiet {
		return
	}
	s.diags = append(s.diags, source.Diagnostic{
		File: name, Level: source.LevelWarning, Message: fmt.Sprintf(text, args...), NotEvaluated: notEvaluated,
	})
}

func (f *finder) Reached(ctx context.Context, base, head fs.FS, changes []PathChange, keep Filter) (b, h []format.Unit, ds source.Diagnostics) {
	bs, hs := f.side(base, keep, true), f.side(head, keep, false)
	var onBase, onHead []string
	counted, left := 0, 0
	var tf terraformChange
	for _, c := range changes {
		if ctx.Err() != nil {
			break
		}
		// The path of the head decides whether the file counts, so that a
		// rename across the border of the filter looks like what it is there.
		old := cmp.Or(c.OldPath, c.Path)
		if !hs.kept(c.Path) {
			continue
		}
		if counts := interesting(c.Path) || interesting(old); counts {
			if counted++; counted > f.opt.MaxFiles {
				left++
				continue
			}
		}
		tf.note(c.Path)
		if old != c.Path {
			tf.note(old)
		}
		if c.Kind != Added && interesting(old) {
			onBase = append(onBase, old)
		}
		if c.Kind != Removed && interesting(c.Path) {
			onHead = append(onHead, c.Path)
		}
	}
	if left > 0 {
		hs.warn("", fmt.Sprintf("%d changed files", left), "%d changed files were left out: a review covers at most %d", left, f.opt.MaxFiles)
	}
	announce(base, onBase)
	announce(head, onHead)
	for _, name := range onBase {
		bs.add(name)
	}
	for _, name := range onHead {
		hs.add(name)
	}
	reachCompose(bs, hs, changes)
	reachRoots(ctx, &tf, bs, hs)
	reachOverlays(ctx, bs, hs, changes)
	reachCharts(ctx, bs, hs)
	bs.decide(ctx)
	hs.decide(ctx)
	reachStacks(ctx, true, bs, hs)
	besideChanged(ctx, bs, hs, changes)
	return bs.list(), hs.list(), hs.diags
}

// interesting reports whether a changed path can reach a unit or must be
// spoken of.
func interesting(name string) bool {
	return !skipped(name) && (roleOf(name) != other || chartPart(name))
}

func announce(fsys fs.FS, names []string) {
	a, ok := fsys.(Announcer)
	if !ok {
		return
	}
	var read []string
	for _, n := range names {
		if Candidate(n) {
			read = append(read, n)
		}
	}
	a.Announce(read...)
}

// add sorts a file into its unit, or notes that its content has to decide.
func (s *side) add(name string) {
	if s.seen[name] {
		return
	}
	s.seen[name] = true
	role := roleOf(name)
	if s.isGiven(name) {
		dir := s.chartAbove(name)
		if dir == "" {
			dir = s.valuesOf(name)
		}
		if dir != "" {
			s.charts[dir] = true
			return
		}
	}
	if dir, alone, ok := s.chartOf(name); ok {
		s.charts[dir] = true
		if alone {
			return
		}
	}
	switch role {
	case other:
		return
	case dockerTemplate:
		s.warn(name, name, "is a template of a Dockerfile, which is not evaluated")
		return
	}
	switch ok, err := regular(s.fsys, name); {
	case err != nil && errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		s.warn(name, name, "cannot be read: %v", reason(err))
		return
	case !ok:
		s.warn(name, name, "is not a regular file (a symbolic link is not followed), so it is not evaluated")
		return
	}
	switch role {
	case terraform, tfvars, tfvarsGiven: // their units are found together
	case dockerfile:
		s.unit(resource.Dockerfile, name, path.Dir(name)).Files = []string{name}
	case packerTemplate:
		s.reachTemplate(name)
	case setUpScript:
		if s.besideNodes(name) {
			s.check = append(s.check, name)
		}
	case manifest, userData:
		s.check = append(s.check, name)
	}
}

// regular reports whether there is a regular file of that name.
func regular(fsys fs.FS, name string) (bool, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return false, err
	}
	return info.Mode().IsRegular(), nil
}

// reason leaves the path out of an error: the diagnostic names it.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func (s *side) unit(kind, name, dir string) *format.Unit {
	id := kind + ":" + name
	u := s.units[id]
	if u == nil {
		u = &format.Unit{ID: id, Format: kind, Dir: dir, FS: s.fsys, MaxFileSize: s.opt.MaxFileSize}
		s.units[id] = u
	}
	return u
}

// decide looks into the files whose content decides.
func (s *side) decide(ctx context.Context) {
	formats := make([]string, len(s.check))
	errs := make([]error, len(s.check))
	var g errgroup.Group
	g.SetLimit(s.opt.Parallel)
	var once sync.Once
	for i, name := range s.check {
		g.Go(func() error {
			if ctx.Err() != nil {
				once.Do(func() { errs[i] = context.Cause(ctx) })
				return nil
			}
			formats[i], errs[i] = look(s.fsys, name)
			return nil
		})
	}
	_ = g.Wait() // the functions give no errors
	for i, name := range s.check {
		if errs[i] != nil && !errors.Is(errs[i], fs.ErrNotExist) {
			s.warn(name, name, "cannot be read: %v", reason(errs[i]))
		}
		dir := path.Dir(name)
		switch formats[i] {
		case "":
		case chartTemplate:
			s.warn(name, name, "is a template of Helm outside of a chart, so it is not evaluated")
		case resource.TerraformPlan:
			s.plan(name)
		case resource.Kubernetes:
			if s.skipsManifest(name, true) {
				continue
			}
			u := s.unit(resource.Kubernetes, dir, dir)
			u.Files = append(u.Files, name)
		default:
			s.unit(formats[i], name, dir).Files = []string{name}
		}
	}
}

// list gives the units in the order of their ids.
func (s *side) list() []format.Unit {
	s.diags.Sort()
	out := make([]format.Unit, 0, len(s.units))
	for _, u := range s.units {
		slices.Sort(u.Files)
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b format.Unit) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// look gives the format of a file whose content decides it.
func look(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, sniffed))
	if err != nil {
		return "", err
	}
	if isPlan(data) {
		return resource.TerraformPlan, nil
	}
	got := formatOf(name, data)
	if got == resource.Kubernetes && looksLikeTemplate(data) {
		got = chartTemplate
	}
	if got == "" && bytes.IndexByte(data, 0) >= 0 {
		return "", errBinary
	}
	return got, nil
}

// errBinary says why a file whose name promises a manifest is none: it may be one
// that was spoilt, so it is not passed over in silence.
var errBinary = errors.New("it is a binary file, with a NUL byte in it")
