package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds of what Load reads: rule files may come from the repository under
// review.
const (
	maxRuleFile  = 256 << 10 // bytes
	maxRuleFiles = 2_000
	maxFileDepth = 16
)

// Load reads every rule file (*.yaml, *.yml, one rule each) below the root of
// fsys, in the order of their paths. What is wrong with a file is a diagnostic
// that says what to do about it, and leaves out that rule alone. Expressions
// are compiled when they are needed; Check compiles them at once.
func Load(fsys fs.FS) ([]*Rule, source.Diagnostics) { return load(fsys, Parse) }

// LoadForReview is Load without the rules' examples, which are most of their
// text and which no review needs.
func LoadForReview(fsys fs.FS) ([]*Rule, source.Diagnostics) {
	return load(fsys, func(file string, data []byte) (*Rule, source.Diagnostics) { return Parse(file, withoutExamples(data)) })
}

// withoutExamples cuts a rule file before its examples where they come last;
// any other file is left as it is.
func withoutExamples(data []byte) []byte {
	i := bytes.Index(data, []byte("\nexamples:\n"))
	if i < 0 {
		return data
	}
	for line := range bytes.Lines(data[i+len("\nexamples:\n"):]) {
		if c := line[0]; c != ' ' && c != '-' && c != '#' && c != '\n' && c != '\r' {
			return data // another key
		}
	}
	return data[:i+1]
}

type parseFunc func(file string, data []byte) (*Rule, source.Diagnostics)

// loaded is what became of one file.
type loaded struct {
	path string
	data []byte // nil for one that could not be read
	rule *Rule
	ds   source.Diagnostics
}

func load(fsys fs.FS, parse parseFunc) ([]*Rule, source.Diagnostics) {
	files, ds := readFiles(fsys)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range files {
		g.Go(func() error {
			if files[i].data != nil {
				files[i].rule, files[i].ds = parse(files[i].path, files[i].data)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions give no errors
	rules := make([]*Rule, 0, len(files))
	byID := make(map[string]*Rule, len(files))
	for _, f := range files {
		ds = append(ds, f.ds...)
		if f.rule == nil {
			continue
		}
		if first, again := byID[f.rule.ID]; again {
			ds.Errorf(f.path, f.rule.Line, "the id %s is taken by %s; give this rule another", f.rule.ID, first.File)
			continue
		}
		byID[f.rule.ID] = f.rule
		rules = append(rules, f.rule)
	}
	return rules, ds
}

// readFiles reads the rule files, in the order of their paths.
func readFiles(fsys fs.FS) ([]loaded, source.Diagnostics) {
	var out []loaded
	var ds source.Diagnostics
	files := 0
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			ds.Errorf(p, 0, "cannot be read: %v", cause(err))
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			if strings.Count(p, "/") >= maxFileDepth {
				return fs.SkipDir
			}
			return nil
		}
		if ext := path.Ext(p); !d.Type().IsRegular() || ext != ".yaml" && ext != ".yml" {
			return nil
		}
		if files++; files > maxRuleFiles {
			ds.Errorf(p, 0, "there are more than %d rule files; those from here on are left out", maxRuleFiles)
			return fs.SkipAll
		}
		data, err := readFile(fsys, p)
		if err != nil {
			f := loaded{path: p}
			f.ds.Errorf(p, 0, "cannot be read: %v", cause(err))
			out = append(out, f)
			return nil
		}
		out = append(out, loaded{path: p, data: data})
		return nil
	})
	if err != nil {
		ds.Errorf("", 0, "the rules cannot be read: %v", cause(err))
	}
	return out, ds
}

// cause leaves out the path that an fs error repeats.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func readFile(fsys fs.FS, p string) ([]byte, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only: nothing is lost
	data, err := io.ReadAll(io.LimitReader(f, maxRuleFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxRuleFile {
		return nil, fmt.Errorf("it has more than %d bytes; a rule file holds one rule", maxRuleFile)
	}
	return data, nil
}

// Parse reads one rule file. The rule is nil when the diagnostics have an error.
func Parse(file string, data []byte) (*Rule, source.Diagnostics) {
	p := &parser{file: file, data: data}
	r := p.document(data)
	if r == nil || len(p.ds) > 0 {
		return nil, p.ds
	}
	return r.seal(), nil
}

// parser reads one rule file; what is wrong is gathered in ds.
type parser struct {
	file string
	data []byte
	ds   source.Diagnostics
}

func (p *parser) errorf(n *yaml.Node, format string, args ...any) {
	p.ds.Errorf(p.file, n.Line, format, args...)
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

func (p *parser) document(data []byte) *Rule {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		line, msg := 0, strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1])
			msg = m[2]
		}
		if errors.Is(err, io.EOF) {
			msg = "the file is empty; it should hold one rule"
		}
		p.ds.Errorf(p.file, line, "%s", msg)
		return nil
	}
	if !p.plain(&doc) {
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		p.ds.Errorf(p.file, max(second.Line, 1), "a rule file holds one document; put the other rules into files of their own")
		return nil
	}
	return p.rule(doc.Content[0])
}

// plain refuses anchors and aliases, with which a small file becomes a large
// value, and tags of other kinds than YAML's own.
func (p *parser) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		p.errorf(n, "rule files have no anchors and aliases; write the value out")
		return false
	}
	for _, c := range n.Content {
		if !p.plain(c) {
			return false
		}
	}
	return true
}

// field is a key of a mapping with its value.
type field struct{ key, value *yaml.Node }

// fields gives the fields of a mapping by key, having said which keys are
// unknown or repeated. It is nil for anything else.
func (p *parser) fields(n *yaml.Node, what string, known ...string) map[string]field {
	if n.Kind != yaml.MappingNode {
		p.errorf(n, "%s should be a mapping with the keys %s", what, strings.Join(known, ", "))
		return nil
	}
	out := make(map[string]field, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if _, again := out[k.Value]; again {
			p.errorf(k, "the key %q is repeated", k.Value)
			continue
		}
		if !slices.Contains(known, k.Value) {
			p.errorf(k, "unknown key %q in %s; %s", k.Value, what, remedy(k.Value, known))
			continue
		}
		out[k.Value] = field{k, v}
	}
	return out
}

// remedy says what a word may have been meant for, or what there is.
func remedy(word string, known []string) string {
	if s := closest(word, known); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return "use " + oneOf(known)
}

func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// text reads a string. Numbers and such that YAML takes for other kinds are
// asked to be quoted, but for where any scalar will do.
func (p *parser) text(f field, anyScalar bool) string {
	n := f.value
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.errorf(n, "%s should be a string", f.key.Value)
		return ""
	}
	if n.Tag != "!!str" && !anyScalar {
		p.errorf(n, "%s should be a string; put it in quotes", f.key.Value)
		return ""
	}
	return n.Value
}

// needed reads a string that must be there and not be blank.
func (p *parser) needed(at *yaml.Node, fs map[string]field, key, what string) string {
	f, ok := fs[key]
	if !ok {
		p.errorf(at, "%s has no %s; add it", what, key)
		return ""
	}
	before := len(p.ds)
	s := p.text(f, false)
	if strings.TrimSpace(s) == "" && len(p.ds) == before {
		p.errorf(f.value, "%s is empty; fill it in", key)
	}
	return s
}

// word reads a string that must be one of some words.
func (p *parser) word(f field, words []string) string {
	before := len(p.ds)
	s := p.text(f, false)
	if len(p.ds) == before && !slices.Contains(words, s) {
		p.errorf(f.value, "unknown %s %q; %s", f.key.Value, s, remedy(s, words))
	}
	return s
}

// list reads a list of strings; a string alone is a list of one.
func (p *parser) list(f field) []string {
	if f.value == nil {
		return nil
	}
	if f.value.Kind == yaml.ScalarNode {
		if s := p.text(f, true); s != "" {
			return []string{s}
		}
		return nil
	}
	if f.value.Kind != yaml.SequenceNode {
		p.errorf(f.value, "%s should be a string or a list of strings", f.key.Value)
		return nil
	}
	out := make([]string, 0, len(f.value.Content))
	for _, c := range f.value.Content {
		if s := p.text(field{f.key, c}, true); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// lists reads a mapping whose values are strings or lists of them.
func (p *parser) lists(f field) map[string][]string {
	if f.value == nil {
		return nil
	}
	if f.value.Kind != yaml.MappingNode {
		p.errorf(f.value, "%s should be a mapping of names to strings or lists", f.key.Value)
		return nil
	}
	out := make(map[string][]string, len(f.value.Content)/2)
	for i := 0; i+1 < len(f.value.Content); i += 2 {
		k, v := f.value.Content[i], f.value.Content[i+1]
		if _, again := out[k.Value]; again {
			p.errorf(k, "the key %q is repeated", k.Value)
			continue
		}
		out[k.Value] = p.list(field{k, v})
	}
	return out
}
