package helm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const (
	// DefaultKubeVersion is the version of Kubernetes that charts are rendered
	// for where nothing else is configured.
	DefaultKubeVersion = "v1.34.0"
	// unknownNamespace stands for the release's namespace, which a chart does
	// not say. Values that hold it are unknown.
	unknownNamespace = "the-namespace-of-the-release"

	maxRendered   = 16 << 20 // bytes of all that a chart renders to
	maxRecursion  = 1_000    // includes of one template within itself, as in Helm
	maxTemplates  = 5_000
	errorStart    = "\x00because " // around what a chart says of itself when it fails
	errorEnd      = "\x00"
	noValue       = "<no value>" // what text/template writes for nothing
	notesFile     = "NOTES.txt"
	libraryType   = "library"
	templatesRoot = "templates"
)

// tpl is one file of templates.
type tpl struct {
	name  string // as Helm names it: shop/charts/db/templates/a.yaml
	file  *sourceFile
	key   string // of loaded.files
	node  *node
	chain []*node // from the root to the chart, with the names that count here
	names []string
	data  map[string]any
	tree  *parse.Tree
	trees map[string]*parse.Tree // its own and those of its defines
	known spots                  // what is known of the places of its source; nil before it is asked for
}

// release is a chart ready to be rendered.
type release struct {
	l         *loaded
	templates []*tpl // in the order in which Helm parses them
	byName    map[string]*tpl
	owner     map[string]*tpl // of a tree, by its name; the one that counts
	trees     map[string]*parse.Tree
	settings  *settings
}

// prepare works out dependencies and values and parses the templates.
func prepare(l *loaded, values map[string]any, kubeVersion, namespace string) (*release, error) {
	c := l.root.chart
	if err := resolve(c, values); err != nil {
		return nil, fmt.Errorf("its dependencies cannot be worked out: %w", err)
	}
	caps, err := newCapabilities(kubeVersion)
	if err != nil {
		return nil, err
	}
	if namespace == "" {
		namespace = unknownNamespace
	}
	caps.APIVersions = append(caps.APIVersions, strings.FieldsFunc(l.unit.Settings[APIVersions], func(c rune) bool { return c == ',' })...)
	all, err := coalesce(c, values, false)
	if err != nil {
		return nil, fmt.Errorf("its values cannot be put together: %w", err)
	}
	top := table{
		"Capabilities": caps, "Values": Values(all),
		"Release": table{"Name": cmp.Or(l.unit.Settings[ReleaseName], c.Name()), "Namespace": namespace, "IsUpgrade": false, "IsInstall": true, "Revision": 1, "Service": "Helm"},
	}
	r := &release{
		l: l, byName: map[string]*tpl{}, owner: map[string]*tpl{}, trees: map[string]*parse.Tree{},
		settings: &settings{l: l, trees: map[string]*resource.Node{}, comments: map[string][]resource.Comment{}, told: map[string][]resource.Comment{}},
	}
	if !r.fit(c, all, nil, nil) {
		return nil, errUnfit
	}
	r.collect(c, nil, nil, top)
	// Helm parses the deepest first, so that a chart's own definitions win.
	sort.SliceStable(r.templates, func(i, j int) bool {
		a, b := r.templates[i].name, r.templates[j].name
		if m, n := strings.Count(a, "/"), strings.Count(b, "/"); m != n {
			return m > n
		}
		return a > b
	})
	r.parse()
	return r, nil
}

// collect gathers the templates of a chart and those below it, each with the
// values of its scope.
func (r *release) collect(c *chart.Chart, chain []*node, names []string, above table) map[string]any {
	n := r.l.nodes[c.Raw[0]]
	chain, names = append(slices.Clip(chain), n), append(slices.Clip(names), c.Name())
	below := map[string]any{}
	data := map[string]any{
		"Chart": struct {
			chart.Metadata
			IsRoot bool
		}{*c.Metadata, c.IsRoot()},
		"Files": filesOf(c), "Release": above["Release"], "Capabilities": above["Capabilities"],
		"Values": Values{}, "Subcharts": below,
	}
	if c.IsRoot() {
		data["Values"] = above["Values"]
	} else if all, ok := above["Values"].(Values); ok {
		if own, ok := all[c.Name()].(table); ok {
			data["Values"] = Values(own)
		}
	}
	for _, d := range c.Dependencies() {
		below[d.Name()] = r.collect(d, chain, names, data)
	}
	library := strings.EqualFold(c.Metadata.Type, libraryType)
	for _, t := range c.Templates {
		if t == nil || path.Base(t.Name) == notesFile || library && !partial(t.Name) || len(r.templates) >= maxTemplates {
			continue
		}
		key := r.l.templates[t]
		f := r.l.files[key]
		if f == nil {
			f = &sourceFile{File: source.NewFile(key, t.Data), packed: n.packed}
		}
		full := path.Join(c.ChartFullPath(), t.Name)
		x := &tpl{name: full, file: f, key: key, node: n, chain: chain, names: names}
		x.data = maps.Clone(data)
		x.data["Template"] = Values{"Name": full, "BasePath": path.Join(c.ChartFullPath(), templatesRoot)}
		r.templates = append(r.templates, x)
	}
	return data
}

// partial reports whether a template is rendered only where another includes
// it.
func partial(name string) bool { return strings.HasPrefix(path.Base(name), "_") }

// at is where a template's file can be pointed to.
func (t *tpl) at() string {
	if t.file.packed != "" {
		return t.file.packed
	}
	return t.file.Path
}

// parse parses every file by itself. One that cannot be parsed costs what it
// defines and no more.
func (r *release) parse() {
	for _, t := range r.templates {
		tree := parse.New(t.name)
		tree.Mode = parse.ParseComments | parse.SkipFuncCheck
		set := map[string]*parse.Tree{}
		if _, err := tree.Parse(string(t.file.Data), "", "", set); err != nil {
			line, text := problem(t.name, err)
			r.l.fail(source.LevelError, t.at(), line, t.at(), "the template cannot be parsed: %s", text)
			continue
		}
		t.tree, t.trees = tree, set
		r.byName[t.name] = t
		for name, tree := range set {
			if r.trees[name] != nil && parse.IsEmptyTree(tree.Root) {
				continue
			}
			r.trees[name], r.owner[name] = tree, t
		}
	}
}

// problem takes the line and the last cause out of an error of text/template,
// which names the template.
func problem(name string, err error) (int, string) {
	text := err.Error()
	line := 0
	if rest, ok := strings.CutPrefix(text, "template: "+name+":"); ok {
		number, _, _ := strings.Cut(rest, ":")
		line, _ = strconv.Atoi(number)
	}
	if _, because, ok := strings.Cut(text, errorStart); ok {
		because, _, _ = strings.Cut(because, errorEnd)
		return line, yamltree.Clean(strings.Join(strings.Fields(because), " "))
	}
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return line, yamltree.Clean(strings.Join(strings.Fields(text), " "))
}

// errTooMuch ends a rendering that would not be read anyway.
var errTooMuch = fmt.Errorf("it renders to more than %d MB", maxRendered>>20)

// output gathers what a template renders to, within a bound.
type output struct {
	b    strings.Builder
	left *int
}

func (o *output) Write(p []byte) (int, error) {
	if *o.left -= len(p); *o.left < 0 {
		return 0, errTooMuch
	}
	return o.b.Write(p)
}

// set is the templates with their functions, ready to be executed.
type set struct {
	t    *template.Template
	left int // bytes that the present template may still write
	// within says that the present template took a text for a template that
	// includes others.
	within bool
}

// newSet makes a set of trees.
func newSet(trees map[string]*parse.Tree) (*set, error) {
	s := &set{t: template.New("gotpl").Option("missingkey=zero")}
	f := functions()
	included := map[string]int{}
	f["include"], f["tpl"] = s.include(s.t, included), s.tpl(s.t, included)
	f["required"] = func(why string, v any) (any, error) {
		if s, ok := v.(string); v == nil || ok && s == "" {
			return v, errors.New(errorStart + why + errorEnd)
		}
		return v, nil
	}
	f["fail"] = func(why string) (string, error) { return "", errors.New(errorStart + why + errorEnd) }
	s.t.Funcs(f)
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		if _, err := s.t.AddParseTree(name, trees[name]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *set) include(t *template.Template, included map[string]int) func(string, any) (string, error) {
	return func(name string, data any) (string, error) {
		if included[name] > maxRecursion {
			return "", fmt.Errorf("%s includes itself more than %d times", yamltree.Clean(name), maxRecursion)
		}
		included[name]++
		out := output{left: &s.left}
		err := t.ExecuteTemplate(&out, name, data)
		included[name]--
		return out.b.String(), err
	}
}

// tpl renders a text, most often one of the values, as a template.
func (s *set) tpl(parent *template.Template, included map[string]int) func(string, any) (string, error) {
	return func(text string, data any) (string, error) {
		s.within = s.within || includes(text)
		t, err := parent.Clone()
		if err != nil {
			return "", err
		}
		t.Option("missingkey=zero")
		t.Funcs(template.FuncMap{"include": s.include(t, included), "tpl": s.tpl(t, included)})
		if t, err = t.New(parent.Name()).Parse(text); err != nil {
			return "", err
		}
		out := output{left: &s.left}
		if err := t.Execute(&out, data); err != nil {
			return "", err
		}
		return strings.ReplaceAll(out.b.String(), noValue, ""), nil
	}
}

// execute renders one template.
func (s *set) execute(t *tpl) (text string, err error) {
	defer func() {
		if p := recover(); p != nil { // a function of a library that was given what it cannot take
			text, err = "", errors.New("a function of the template failed")
		}
	}()
	s.left, s.within = 2*maxRendered, false // what it includes is written twice
	out := output{left: &s.left}
	if err := s.t.ExecuteTemplate(&out, t.name, t.data); err != nil {
		return "", err
	}
	return strings.ReplaceAll(out.b.String(), noValue, ""), nil
}
