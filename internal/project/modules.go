package project

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// index says of the modules of a tree who calls whom, what each declares, and
// which files of variables belong to it.
type index struct {
	s        *side
	modules  map[string]*moduleScan // by folder
	callers  map[string][]string    // folder → folders that call it
	variants []variant              // sorted by root and name
	reads    map[string]bool        // folders that name one of the targets
	taken    map[string]bool        // files of variables that some variant takes
	all      map[string]bool        // files of variables
	auto     map[string][]string    // folder → those that Terraform loads by itself
}

// variant is what a root is evaluated with: an environment's variables.
type variant struct {
	root  string
	name  string // the path from the root's folder, or from the tree's root where it is not below that
	files []string
}

// moduleScan is what a look at the text of a module tells.
type moduleScan struct {
	files     []string
	calls     []string // sources that are paths, as they are written
	variables map[string]bool
	reads     bool // it names one of the targets
	lists     bool // it reads what lies in a folder
}

// What is looked for in the text of a module. It may find too much, a source
// that is no module's, never too little.
var (
	localSource  = regexp.MustCompile(`(?m)(?:^|[\s{"])source"?\s*[=:]\s*"(\.\.?(?:/[^"\n]*)?)"`)
	variableName = regexp.MustCompile(`(?m)^\s*variable\s+"?([\w-]+)"?`)
	assignedName = regexp.MustCompile(`(?m)^"?([A-Za-z_][\w-]*)"?\s*=`)
)

func scanModule(data []byte, wanted [][]byte, targets []string) moduleScan {
	var m moduleScan
	if bytes.Contains(data, []byte("module")) {
		for _, c := range localSource.FindAllSubmatchIndex(data, -1) {
			if !commented(data, c[2]) {
				m.calls = append(m.calls, string(data[c[2]:c[3]]))
			}
		}
	}
	for _, v := range variableName.FindAllSubmatch(data, -1) {
		if m.variables == nil {
			m.variables = map[string]bool{}
		}
		m.variables[string(v[1])] = true
	}
	m.lists = bytes.Contains(data, []byte("fileset"))
	m.reads = m.lists && slices.ContainsFunc(targets, func(t string) bool {
		dir := path.Base(path.Dir(t))
		return dir != "." && isContent(t) && bytes.Contains(data, []byte("/"+dir))
	})
	// A module may be told by its caller what to read, and the caller may call
	// that what it likes.
	if len(wanted) > 0 {
		for _, w := range wanted {
			if bytes.Contains(data, w) {
				m.reads = true
				break
			}
		}
	}
	return m
}

// namings gives what the text of a module in one of the folders would hold that
// names one of the targets: the base name of what lies below such a folder or
// beside it, and of templates; of what is elsewhere, where many a file has the
// same name, its folder too.
func namings(dirs map[string]bool, targets []string) [][]byte {
	names := within(dirs, targets)
	near := make(map[string]bool, len(names))
	for _, t := range names {
		near[t] = true
	}
	out := basenames(names)
	for _, t := range targets {
		if len(out) >= maxNamings {
			break
		}
		if !isContent(t) || near[t] {
			continue
		}
		dir := path.Base(path.Dir(t))
		if dir == "." {
			dir = ".."
		}
		out = append(out, []byte(dir+"/"+path.Base(t)))
	}
	return out
}

// within gives the targets that a module of one of the folders is likely to
// name: templates, and what lies below the folder or beside it.
func within(dirs map[string]bool, targets []string) []string {
	near := map[string]bool{}
	for d := range dirs {
		near[d] = true
		if up := path.Dir(d); up != "." {
			near[up] = true
		}
	}
	var out []string
	for _, t := range targets {
		found := isTemplate(t)
		for d := path.Dir(t); !found; d = path.Dir(d) {
			found = near[d]
			if d == "." {
				break
			}
		}
		if found {
			out = append(out, t)
		}
	}
	return out
}

// commented reports whether the line of a byte is a comment up to there: a call
// that was taken out must not hide the module.
func commented(data []byte, at int) bool {
	line := data[bytes.LastIndexByte(data[:at], '\n')+1 : at]
	line = bytes.TrimLeft(line, " \t")
	return bytes.HasPrefix(line, []byte("#")) || bytes.HasPrefix(line, []byte("//"))
}

// basenames are what a text would hold that names the files.
func basenames(names []string) [][]byte {
	var out [][]byte
	seen := map[string]bool{}
	for _, n := range names {
		if b := path.Base(n); !seen[b] {
			seen[b] = true
			out = append(out, []byte(b))
		}
	}
	return out
}

// listing is what one folder has.
type listing struct{ below, files, vars []string }

// listAll lists folders side by side. Those that cannot be listed have nothing.
func (s *side) listAll(dirs []string) []listing {
	out := make([]listing, len(dirs))
	var g errgroup.Group
	g.SetLimit(s.opt.Parallel)
	for i, dir := range dirs {
		g.Go(func() error {
			entries, err := fs.ReadDir(s.fsys, dir)
			if err != nil {
				return nil
			}
			for _, e := range entries {
				full := path.Join(dir, e.Name())
				switch r := roleOf(full); {
				case e.IsDir():
					if !skippedDir(e.Name()) {
						out[i].below = append(out[i].below, full)
					}
				case !e.Type().IsRegular() || !s.kept(full):
				case r == terraform:
					out[i].files = append(out[i].files, full)
				case r == tfvars || r == tfvarsGiven:
					out[i].vars = append(out[i].vars, full)
				}
			}
			return nil
		})
	}
	_ = g.Wait() // the functions give no errors
	return out
}

// index looks through the files of Terraform.
func (s *side) index(ctx context.Context, files, vars, targets []string) *index {
	x := &index{
		s: s, modules: map[string]*moduleScan{}, callers: map[string][]string{}, reads: map[string]bool{},
		taken: map[string]bool{}, all: map[string]bool{}, auto: map[string][]string{},
	}
	files = cutMany(s, files)
	dirs := map[string]bool{}
	for _, f := range files {
		dirs[path.Dir(f)] = true
	}
	scans := make([]moduleScan, len(files))
	wanted := namings(dirs, targets)
	if len(dirs) > 1 || len(wanted) > 0 || len(vars) > 0 { // else there is nothing to learn from the files
		announce(s.fsys, files)
		var g errgroup.Group
		g.SetLimit(s.opt.Parallel)
		for i, f := range files {
			g.Go(func() error {
				if ctx.Err() == nil {
					scans[i] = scanModule(s.read(f), wanted, targets)
				}
				return nil
			})
		}
		_ = g.Wait() // the functions give no errors
	}
	for i, f := range files {
		dir := path.Dir(f)
		m := x.modules[dir]
		if m == nil {
			m = &moduleScan{variables: map[string]bool{}}
			x.modules[dir] = m
		}
		if len(m.files) == s.opt.MaxFolder {
			continue
		}
		m.files = append(m.files, f)
		for v := range scans[i].variables {
			m.variables[v] = true
		}
		for _, src := range scans[i].calls {
			called := path.Join(dir, src)
			m.calls = append(m.calls, called)
			if called != dir {
				x.callers[called] = append(x.callers[called], dir)
			}
		}
		if scans[i].reads || scans[i].lists && slices.ContainsFunc(targets, func(t string) bool { return dir == "." || strings.HasPrefix(t, dir+"/") }) {
			x.reads[dir] = true
		}
	}
	x.assign(vars)
	return x
}

// isRoot reports whether a folder has a module that nobody calls.
func (x *index) isRoot(dir string) bool {
	return x.modules[dir] != nil && len(x.callers[dir]) == 0 || x.modules[dir] != nil && slices.Contains(x.rootsOf(dir), dir)
}

// rootsOf gives the roots from which a folder's module is called, the folder
// itself where nobody calls it.
func (x *index) rootsOf(dir string) []string {
	seen := map[string]bool{dir: true}
	var roots []string
	todo := []string{dir}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		callers := x.callers[at]
		if len(callers) == 0 {
			if x.modules[at] != nil {
				roots = append(roots, at)
			}
			continue
		}
		for _, c := range callers {
			if !seen[c] {
				seen[c] = true
				todo = append(todo, c)
			}
		}
	}
	if len(roots) == 0 && x.modules[dir] != nil {
		return []string{dir} // modules that call each other
	}
	slices.Sort(roots)
	return roots
}

// files gives the files of a root and of the modules that it calls, sorted;
// false where it has none.
func (x *index) files(root string) ([]string, bool) {
	m := x.modules[root]
	if m == nil {
		return nil, false
	}
	out := slices.Clone(x.auto[root])
	seen := map[string]bool{root: true}
	todo := []string{root}
	for len(todo) > 0 {
		at := x.modules[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		out = append(out, at.files...)
		for _, c := range at.calls {
			if !seen[c] && x.modules[c] != nil {
				seen[c] = true
				todo = append(todo, c)
			}
		}
	}
	return unique(out), true
}

// environmentDir names folders that hold files of variables.
func environmentDir(base string) bool {
	switch strings.ToLower(base) {
	case "environments", "environment", "envs", "env", "vars", "tfvars", "var-files", "var_files":
		return true
	}
	return false
}

// shared names files of variables that go with every environment's.
func shared(name string) bool {
	stem, _, _ := strings.Cut(path.Base(name), ".")
	switch strings.ToLower(stem) {
	case "common", "global", "globals", "shared", "base", "default", "defaults", "all":
		return true
	}
	return false
}

// sample names files of variables that are there to be copied.
func sample(name string) bool {
	lower := strings.ToLower(path.Base(name))
	for _, s := range []string{"example", "sample", "template"} {
		if strings.HasPrefix(lower, s) || strings.Contains(lower, "."+s) || strings.Contains(lower, "-"+s) {
			return true
		}
	}
	return false
}

// assign finds the roots that files of variables belong to.
func (x *index) assign(vars []string) {
	type key struct{ root, name string }
	groups := map[key][]string{}
	common := map[string][]string{}
	for _, f := range vars {
		x.all[f] = true
		dir := path.Dir(f)
		if x.modules[dir] != nil && roleOf(f) == tfvars {
			x.auto[dir] = append(x.auto[dir], f)
			continue
		}
		if sample(f) {
			continue
		}
		for _, root := range x.rootsFor(f) {
			x.taken[f] = true
			if shared(f) {
				common[root] = append(common[root], f)
				continue
			}
			k := key{root, x.variantName(root, f)}
			groups[k] = append(groups[k], f)
		}
	}
	for root, files := range common {
		any := false
		for k := range groups {
			if k.root == root {
				any = true
				groups[k] = append(slices.Clone(files), groups[k]...)
			}
		}
		if !any {
			groups[key{root, x.variantName(root, files[0])}] = files
		}
	}
	plain := map[string]bool{}
	for k, files := range groups {
		x.variants = append(x.variants, variant{k.root, k.name, files})
		plain[k.root] = true
	}
	for root := range plain {
		// What terraform.tfvars says is an environment of its own beside the others.
		if slices.ContainsFunc(x.auto[root], func(f string) bool { return strings.HasPrefix(path.Base(f), "terraform.tfvars") }) {
			x.variants = append(x.variants, variant{root: root})
		}
	}
	slices.SortFunc(x.variants, func(a, b variant) int {
		if c := strings.Compare(a.root, b.root); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	x.bound()
}

// bound leaves out the variants of a root that are too many.
func (x *index) bound() {
	count := map[string]int{}
	x.variants = slices.DeleteFunc(x.variants, func(v variant) bool {
		if count[v.root]++; count[v.root] <= maxVariants {
			return false
		}
		x.s.warn(v.root, v.name, "%s has more than %d files of variables; this one was left out", v.root, maxVariants)
		return true
	})
}

// variantName says which environment a file stands for: the file itself, or
// its folder where each environment has one.
func (x *index) variantName(root, f string) string {
	dir := path.Dir(f)
	name := f
	if dir != root && !environmentDir(path.Base(dir)) && environmentDir(path.Base(path.Dir(dir))) {
		name = dir
	}
	if root == "." {
		return name
	}
	if rel, ok := strings.CutPrefix(name, root+"/"); ok {
		return rel
	}
	return name
}

// rootsFor gives the roots that a file of variables is for: that of its folder;
// that beside or above a folder of environments; or, where several roots share
// such a folder or the repository names the file, those that declare what it
// assigns.
func (x *index) rootsFor(f string) []string {
	dir := path.Dir(f)
	if x.modules[dir] != nil {
		if x.isRoot(dir) {
			return []string{dir}
		}
		return nil
	}
	env := dir
	if !environmentDir(path.Base(env)) {
		env = path.Dir(dir)
	}
	if environmentDir(path.Base(env)) && env != "." {
		above := path.Dir(env)
		if x.modules[above] != nil && x.isRoot(above) {
			return []string{above}
		}
		var out []string
		for root := range x.modules {
			if path.Dir(root) == above && root != above && x.isRoot(root) && x.declares(root, f) {
				out = append(out, root)
			}
		}
		if len(out) > 0 {
			slices.Sort(out)
			return out
		}
	}
	if !slices.ContainsFunc(x.s.set.VarFiles, func(p string) bool { return Match(p, f) }) {
		return nil
	}
	var out []string
	for root := range x.modules {
		if x.isRoot(root) && x.declares(root, f) {
			out = append(out, root)
		}
	}
	slices.Sort(out)
	return out
}

// declares reports whether a root declares at least half of what a file of
// variables assigns. One in JSON is taken to.
func (x *index) declares(root, f string) bool {
	if strings.HasSuffix(f, ".json") {
		return true
	}
	names, known := 0, 0
	for _, a := range assignedName.FindAllSubmatch(x.s.read(f), -1) {
		names++
		if x.modules[root].variables[string(a[1])] {
			known++
		}
	}
	return known > 0 && 2*known >= names
}
