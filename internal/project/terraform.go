package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	terraformreader "github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// A unit of Terraform is a root module with all that it calls in the tree, once
// for each file of variables that stands for an environment. A module that a
// root of the tree calls is judged through its callers alone: with their
// arguments more of it is known, and said twice would be once too often.
//
// Which roots a change reaches is found in an index of the tree: every folder
// is listed and every file of Terraform read, once for each side, but only
// where a file of Terraform, its variables or a template changed. A repository
// of 50,000 files in 5,000 folders costs one request a level of folders and one
// for the files; what base and head share is fetched once.

// Bounds on the index of one side.
const (
	maxFolders     = 20_000
	maxModuleFiles = 10_000
	maxVariants    = 20    // of one root
	maxTargets     = 3_000 // changed files that file() may name
	ancestors      = 6     // folders above a changed file that may name it
	maxBesides     = 500   // folders beside changed files that may name them
	maxNamings     = 500   // texts that name changed files
)

// FolderAnnouncer is what a lazy tree may implement beside Announcer: the
// folders will be listed soon, and may be fetched at once.
type FolderAnnouncer interface {
	AnnounceFolders(paths ...string)
}

// terraformChange is what of a change bears on Terraform.
type terraformChange struct {
	dirs     map[string]bool // folders whose module a change reaches
	varFiles []string        // changed files of variables
	targets  []string        // other changed files, which a function may read
	left     bool
}

// note takes up a changed path.
func (c *terraformChange) note(name string) {
	if c.dirs == nil {
		c.dirs = map[string]bool{}
	}
	if root, _, ok := strings.Cut("/"+name, "/.terraform/modules/"); ok {
		c.dirs[cleanDir(root[min(1, len(root)):])] = true
		return
	}
	if skipped(name) {
		return
	}
	switch roleOf(name) {
	case terraform:
		c.dirs[path.Dir(name)] = true
	case tfvars:
		c.dirs[path.Dir(name)] = true
		c.varFiles = append(c.varFiles, name)
	case tfvarsGiven:
		c.varFiles = append(c.varFiles, name)
	default:
		if len(c.targets) < maxTargets {
			c.targets = append(c.targets, name)
		} else {
			c.left = true
		}
	}
}

func cleanDir(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// isTemplate tells files that exist to be filled in: of a change to one it is
// worth to look through the whole tree for who reads it.
func isTemplate(name string) bool {
	switch path.Ext(name) {
	case ".tftpl", ".tpl", ".tmpl":
		return true
	}
	return false
}

// reachRoots adds the units of Terraform that a change reaches, on both sides.
func reachRoots(ctx context.Context, c *terraformChange, base, head *side) {
	sides := [2]*side{base, head}
	if !c.bears(ctx, sides) {
		return
	}
	var index [2]*index
	for i, s := range sides {
		index[i] = s.indexTree(ctx, c.targets)
	}
	for i := range sides {
		for dir := range index[i].reads {
			c.dirs[dir] = true
		}
	}
	only := map[string]map[string]bool{} // roots that a file of variables alone reaches
	whole := map[string]bool{}
	for i := range sides {
		for dir := range c.dirs {
			for _, root := range index[i].rootsOf(dir) {
				whole[root] = true
			}
		}
		for _, v := range index[i].variants {
			for _, in := range v.files {
				if slices.Contains(c.varFiles, in) {
					if only[v.root] == nil {
						only[v.root] = map[string]bool{}
					}
					only[v.root][v.name] = true
				}
			}
		}
	}
	for root := range only {
		if !whole[root] {
			addRoot(sides, index, root, only[root])
		}
	}
	for root := range whole {
		addRoot(sides, index, root, nil)
	}
	for i, s := range sides {
		s.spareVars(index[i], c.varFiles)
	}
}

// bears reports whether a change can bear on a unit of Terraform at all. It
// looks at no more than the folders above the changed files, and those beside
// files that are worth to be read by a function.
func (c *terraformChange) bears(ctx context.Context, sides [2]*side) bool {
	if len(c.dirs) > 0 || len(c.varFiles) > 0 || slices.ContainsFunc(c.targets, isTemplate) {
		return true
	}
	for _, s := range sides {
		if slices.ContainsFunc(c.targets, s.isPolicy) {
			return true
		}
	}
	dirs, parents := map[string]bool{}, map[string]bool{}
	for _, name := range c.targets {
		dir := path.Dir(name)
		if isContent(name) {
			parents[path.Dir(dir)] = true
		}
		for range ancestors {
			dirs[dir] = true
			if dir == "." {
				break
			}
			dir = path.Dir(dir)
		}
	}
	for _, s := range sides {
		for _, dir := range s.besides(dirs, parents) {
			if ctx.Err() != nil {
				return false
			}
			if files := s.moduleFiles(dir); len(files) > 0 && s.mentions(files, c.targets) {
				return true
			}
		}
	}
	return false
}

// besides gives the folders, and those that lie in the parents, down to the
// environments of a folder of roots (live/prod).
func (s *side) besides(dirs, parents map[string]bool) []string {
	out := slices.Sorted(maps.Keys(dirs))
	level := slices.Sorted(maps.Keys(parents))
	seen := maps.Clone(dirs)
	count := 0
	for range 2 {
		var next []string
		for _, l := range s.listAll(level) {
			for _, d := range l.below {
				if count < maxBesides && (!seen[d] || dirs[d]) {
					count++
					next = append(next, d)
					if !seen[d] {
						seen[d] = true
						out = append(out, d)
					}
				}
			}
		}
		if a, ok := s.fsys.(FolderAnnouncer); ok {
			a.AnnounceFolders(next...)
		}
		level = next
	}
	return out
}

// isPolicy reports whether a file holds a policy of permissions in JSON: whoever
// reads it, it is worth to look through the whole tree for that.
func (s *side) isPolicy(name string) bool {
	if ext := path.Ext(name); ext != ".json" && ext != ".yaml" && ext != ".yml" {
		return false
	}
	data := s.read(name)
	return bytes.Contains(data, []byte("Statement")) && bytes.Contains(data, []byte("Effect")) && bytes.Contains(data, []byte("Action")) &&
		!bytes.Contains(data, []byte("Resources"))
}

// isContent tells files that file() is likely to read.
func isContent(name string) bool {
	switch path.Ext(name) {
	case ".json", ".yaml", ".yml", ".sh", ".txt", ".conf", ".cfg", ".xml", ".toml", ".ini", ".pem", ".crt", ".pub", ".ps1", ".service", ".rego", ".j2":
		return true
	}
	return false
}

// mentions reports whether one of the files names one of the targets.
func (s *side) mentions(files, targets []string) bool {
	announce(s.fsys, files)
	var wanted [][]byte
	if len(files) > 0 {
		wanted = namings(map[string]bool{path.Dir(files[0]): true}, targets)
	}
	for _, f := range files {
		if m := scanModule(s.read(f), wanted, targets); m.reads || m.lists {
			return true
		}
	}
	return false
}

// addRoot adds the units of a root, on each side that has it: one for each
// variant, or the plain one where there are none. only, if not nil, names the
// variants that are wanted. A variant that the head has and the base has not is
// read there without its file: what the root says anyway is no news.
func addRoot(sides [2]*side, index [2]*index, root string, only map[string]bool) {
	var have [2][]variant
	for i := range sides {
		for _, v := range index[i].variants {
			if v.root == root {
				have[i] = append(have[i], v)
			}
		}
	}
	names := func(vs []variant) (out []string) {
		for _, v := range vs {
			out = append(out, v.name)
		}
		return out
	}
	for i, s := range sides {
		files, ok := index[i].files(root)
		if !ok || !index[i].isRoot(root) {
			continue
		}
		if len(have[0]) == 0 && len(have[1]) == 0 {
			s.root(root, "", files, nil)
			continue
		}
		wanted := names(have[i])
		if i == 0 || len(have[1]) == 0 {
			wanted = append(wanted, names(have[1-i])...)
		}
		slices.Sort(wanted)
		for _, name := range slices.Compact(wanted) {
			if only != nil && !only[name] {
				continue
			}
			var inputs []string
			if j := slices.IndexFunc(have[i], func(v variant) bool { return v.name == name }); j >= 0 {
				inputs = have[i][j].files
			}
			s.root(root, name, files, inputs)
		}
	}
}

// root adds one unit.
func (s *side) root(dir, variant string, files, inputs []string) {
	name := dir
	if variant != "" {
		name += "@" + variant
	}
	u := s.unit(resource.Terraform, name, dir)
	u.Variant, u.Inputs, u.Files = variant, inputs, files
	announce(s.fsys, files)
}

// spareVars names the files of variables that no root takes.
func (s *side) spareVars(x *index, files []string) {
	for _, f := range files {
		if roleOf(f) == tfvarsGiven && !x.taken[f] && x.all[f] {
			s.warn(f, f, "is not loaded by Terraform of its own accord and belongs to no root module that is found; name it in terraform.var_files of .plimsoll.yml")
		}
	}
}

// scanRoots adds the units of Terraform among the files of a scan.
func (s *side) scanRoots(ctx context.Context, found []string) {
	var files, vars []string
	for _, f := range found {
		switch roleOf(f) {
		case terraform:
			files = append(files, f)
		case tfvars, tfvarsGiven:
			vars = append(vars, f)
		}
	}
	if len(files)+len(vars) == 0 {
		return
	}
	// A module is read whole, also for the sake of one of its files.
	dirs := map[string]bool{}
	for _, f := range files {
		dirs[path.Dir(f)] = true
	}
	for _, f := range vars {
		dirs[path.Dir(f)] = true
	}
	for d := range dirs {
		own := s.moduleFiles(d)
		files = append(files, own...)
		vars = append(vars, s.varFilesIn(d)...)
	}
	x := s.index(ctx, unique(files), unique(vars), nil)
	for dir := range x.modules {
		for _, root := range x.rootsOf(dir) {
			if s.units[resource.Terraform+":"+root] == nil && !s.seen[root+"/"] {
				s.seen[root+"/"] = true
				s.scanRoot(x, root)
			}
		}
	}
	s.spareVars(x, vars)
}

func (s *side) scanRoot(x *index, root string) {
	files, ok := x.files(root)
	if !ok {
		return
	}
	any := false
	for _, v := range x.variants {
		if v.root == root {
			any = true
			s.root(root, v.name, files, v.files)
		}
	}
	if !any {
		s.root(root, "", files, nil)
	}
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// moduleFiles lists the files of Terraform in one folder.
func (s *side) moduleFiles(dir string) []string {
	return s.filesIn(dir, func(r role) bool { return r == terraform })
}

func (s *side) varFilesIn(dir string) []string {
	return s.filesIn(dir, func(r role) bool { return r == tfvars || r == tfvarsGiven })
}

func (s *side) filesIn(dir string, take func(role) bool) []string {
	entries, err := fs.ReadDir(s.fsys, dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.warn(dir, dir, "the folder cannot be listed: %v", reason(err))
		}
		return nil
	}
	var out []string
	for _, e := range entries {
		full := path.Join(dir, e.Name())
		if !e.Type().IsRegular() || !take(roleOf(full)) || !s.kept(full) {
			continue
		}
		if len(out) == s.opt.MaxFolder {
			s.warn(dir, dir, "the module has more than %d files; the rest was not read", s.opt.MaxFolder)
			break
		}
		out = append(out, full)
	}
	return out
}

// read gives a file, or nil: what cannot be read is said by whoever reads it
// for good.
func (s *side) read(name string) []byte {
	f, err := s.fsys.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, s.opt.MaxFileSize+1))
	if err != nil || int64(len(data)) > s.opt.MaxFileSize {
		return nil
	}
	return data
}

// indexTree makes the index of a whole tree.
func (s *side) indexTree(ctx context.Context, targets []string) *index {
	var files, vars []string
	level := []string{"."}
	folders := 0
	for depth := 0; len(level) > 0 && ctx.Err() == nil; depth++ {
		if depth > s.opt.MaxDepth || folders+len(level) > maxFolders {
			s.warn("", "modules that are called from further folders",
				"the tree has more than %d folders, or is more than %d deep; callers of modules beyond them were not looked for", maxFolders, s.opt.MaxDepth)
			break
		}
		folders += len(level)
		if a, ok := s.fsys.(FolderAnnouncer); ok {
			a.AnnounceFolders(level...)
		}
		var next []string
		for _, l := range s.listAll(level) {
			next = append(next, l.below...)
			files, vars = append(files, l.files...), append(vars, l.vars...)
		}
		level = next
	}
	return s.index(ctx, unique(files), unique(vars), targets)
}

func cutMany(s *side, files []string) []string {
	if len(files) > maxModuleFiles {
		s.warn("", fmt.Sprintf("%d files of Terraform", len(files)-maxModuleFiles), "the tree has more than %d files of Terraform; the rest was not looked through for calls", maxModuleFiles)
		files = files[:maxModuleFiles]
	}
	return files
}

// isPlan reports whether a file is what Terraform says of a plan or a state in
// JSON, by its beginning.
func isPlan(data []byte) bool {
	data = bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 4096)], []byte("\xef\xbb\xbf")))
	return bytes.HasPrefix(data, []byte("{")) && bytes.Contains(data, []byte(`"format_version"`)) && bytes.Contains(data, []byte(`"terraform_version"`))
}

// plan takes up a plan that a scan names; others are left alone, since what they
// were made of is judged where it is written.
func (s *side) plan(name string) {
	if !s.named[name] {
		return
	}
	u := s.unit(resource.TerraformPlan, name, path.Dir(name))
	u.Files, u.MaxFileSize = []string{name}, max(u.MaxFileSize, terraformreader.MaxPlanSize)
}
