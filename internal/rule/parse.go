package rule

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// idForm is what a rule's id looks like: k8s/privileged-container.
var idForm = regexp.MustCompile(`^[a-z][a-z0-9]*/[a-z0-9]+(-[a-z0-9]+)*$`)

// Bounds of one rule.
const (
	maxChecks   = 32
	maxExamples = 64
)

func (p *parser) rule(n *yaml.Node) *Rule {
	fs := p.fields(n, "a rule", "id", "title", "severity", "profile", "theme", "why", "remediation", "references",
		"compliance", "equivalents", "covers", "over", "checks", "examples")
	if fs == nil {
		return nil
	}
	r := &Rule{File: p.file, Line: n.Line, Profile: Profiles()[0]}
	if f, ok := fs["id"]; ok {
		r.Line = f.key.Line
	}
	if r.ID = p.needed(n, fs, "id", "the rule"); r.ID != "" && !idForm.MatchString(r.ID) {
		p.errorf(fs["id"].value, "%q is not an id; use <area>/<kebab-case-name>, such as k8s/privileged-container", r.ID)
	}
	if r.Title = p.needed(n, fs, "title", "the rule"); strings.HasSuffix(r.Title, ".") {
		p.errorf(fs["title"].value, "a title has no full stop; take it away")
	}
	r.Severity = p.severity(n, fs)
	if f, ok := fs["profile"]; ok {
		r.Profile = p.word(f, Profiles())
	}
	if _, ok := fs["theme"]; !ok {
		p.errorf(n, "the rule has no theme; add one of %s", strings.Join(Themes(), ", "))
	} else {
		r.Theme = p.word(fs["theme"], Themes())
	}
	r.Why = p.needed(n, fs, "why", "the rule")
	r.Remediation = p.needed(n, fs, "remediation", "the rule")
	r.References = p.references(fs["references"])
	r.Compliance = p.lists(fs["compliance"])
	r.Equivalents = p.lists(fs["equivalents"])
	r.Covers = p.list(fs["covers"])
	r.Over = p.list(fs["over"])
	for _, id := range r.Over {
		if !idForm.MatchString(id) || id == r.ID {
			p.errorf(fs["over"].value, "%q in over is not the id of another rule", id)
		}
	}
	r.Checks = p.checks(n, fs["checks"])
	r.Examples = p.examples(fs["examples"], r)
	for _, c := range r.Checks {
		for _, id := range c.Equivalents {
			if !names(r.Equivalents, id) {
				p.ds.Errorf(p.file, c.Line, "the check's equivalents name %q, which the rule's do not; add it there, under its tool", id)
			}
		}
		r.Sensitive = r.Sensitive || strings.Contains(c.Fail, "secretish(")
	}
	return r
}

// names reports whether one of the lists has an id.
func names(lists map[string][]string, id string) bool {
	for _, ids := range lists {
		if slices.Contains(ids, id) {
			return true
		}
	}
	return false
}

func (p *parser) severity(n *yaml.Node, fs map[string]field) Severity {
	words := make([]string, 0, 4)
	for _, s := range Severities() {
		words = append(words, string(s))
	}
	f, ok := fs["severity"]
	if !ok {
		p.errorf(n, "the rule has no severity; add %s", oneOf(words))
		return ""
	}
	return Severity(p.word(f, words))
}

func (p *parser) references(f field) []string {
	refs := p.list(f)
	for _, s := range refs {
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
			p.errorf(f.value, "%q in references is not an https URL", s)
		}
	}
	return refs
}

// items gives the items of a list that may not be empty where it is there.
func (p *parser) items(f field, limit int) []*yaml.Node {
	if f.value == nil {
		return nil
	}
	if f.value.Kind != yaml.SequenceNode || len(f.value.Content) == 0 {
		p.errorf(f.value, "%s should be a list with at least one item", f.key.Value)
		return nil
	}
	if len(f.value.Content) > limit {
		p.errorf(f.value, "%s has more than %d items; make several rules of it", f.key.Value, limit)
		return nil
	}
	return f.value.Content
}

func (p *parser) checks(rule *yaml.Node, f field) []Check {
	if f.value == nil {
		p.errorf(rule, "the rule has no checks; add at least one")
		return nil
	}
	var out []Check
	for _, n := range p.items(f, maxChecks) {
		fs := p.fields(n, "a check", "platform", "kinds", "each", "links", "equivalents", "fail", "at", "message", "write", "fix")
		if fs == nil {
			continue
		}
		c := Check{
			Line: n.Line, Kinds: p.list(fs["kinds"]), Each: p.text(fs["each"], false), At: p.text(fs["at"], false),
			Fail: p.needed(n, fs, "fail", "the check"), Message: p.needed(n, fs, "message", "the check"),
			Write: p.text(fs["write"], false), Links: p.list(fs["links"]), Equivalents: p.list(fs["equivalents"]), failAt: p.place(fs["fail"]), messageAt: p.place(fs["message"]),
		}
		if pf, ok := fs["platform"]; !ok {
			p.errorf(n, "the check has no platform; add %s", oneOf(Platforms()))
		} else {
			c.Platform = p.word(pf, Platforms())
			p.each(fs["each"], c)
		}
		if _, err := ParsePath(c.At); err != nil {
			p.errorf(fs["at"].value, "at: %v", err)
		}
		if ff, ok := fs["fix"]; ok {
			if c.Fix = p.fix(ff.value, c.Each); c.Fix != nil && c.Fix.Beside && c.Write == "" {
				p.errorf(ff.value, "the fix writes the check's block, but the check has none; add write")
			}
		}
		p.links(n, fs["links"], c)
		out = append(out, c)
	}
	return out
}

// links holds that a check names the kinds that its condition or the values of
// its fix ask for, and no others: by them the engine knows which changes bear on
// it.
func (p *parser) links(check *yaml.Node, f field, c Check) {
	texts := []string{c.Fail, c.Message}
	if c.Fix != nil {
		for _, list := range [...][]Setting{c.Fix.Set, c.Fix.Append, deletions(c.Fix.Delete)} {
			for _, x := range list {
				if v, ok := x.Value.(string); ok && strings.Contains(v, "{{") {
					texts = append(texts, v)
				}
			}
		}
	}
	uses := asked(strings.Join(texts, "\n"))
	for _, kind := range uses {
		if !slices.Contains(c.Links, kind) {
			p.errorf(check, "the condition asks for linked(%q), which the check does not name; add it to links", kind)
		}
	}
	for _, kind := range c.Links {
		if !slices.Contains(uses, kind) {
			p.errorf(f.value, "links names %q, but the condition does not ask for linked(%q); take it away", kind, kind)
		}
	}
}

// each takes one word for the name of a selection, since a misspelt name would
// otherwise select nothing in silence.
func (p *parser) each(f field, c Check) {
	names := Selections(c.Platform)
	if _, ok := names[c.Each]; ok || c.Each == "" || names == nil {
		return
	}
	sel, err := ParseSelector(c.Each)
	switch {
	case err != nil:
		p.errorf(f.value, "each: %v", err)
	case len(sel) == 1 && sel[0].Name != "":
		words := make([]string, 0, len(names))
		for n := range names {
			words = append(words, n)
		}
		slices.Sort(words)
		p.errorf(f.value, "%s has no selection %q; %s; a path to the items of a list ends in [*]", c.Platform, c.Each, remedy(c.Each, words))
	}
}

func (p *parser) fix(n *yaml.Node, each string) *FixSpec {
	fs := p.fields(n, "a fix", "title", "set", "delete", "append", "write", "review")
	if fs == nil {
		return nil
	}
	fix := &FixSpec{
		Title: p.text(fs["title"], false), Review: p.text(fs["review"], false),
		Set: p.settings(fs["set"], strings.HasSuffix(each, "[*]")), Append: p.settings(fs["append"], false), Delete: p.list(fs["delete"]),
	}
	for _, d := range fix.Delete {
		if strings.Contains(d, "{{") {
			continue // a path once it is filled in
		}
		if d == "." && (strings.HasSuffix(each, "[*]") || each == "subjects" || each == "rbac-rules") {
			continue // the item of a list that is selected
		}
		p.fixPath(fs["delete"].value, d)
	}
	operations := len(fix.Set) + len(fix.Append) + len(fix.Delete)
	if w, ok := fs["write"]; ok {
		fix.Beside = p.word(w, []string{"beside"}) != ""
		if operations > 0 {
			p.errorf(w.value, "a fix that writes the block beside the resource has no other operations")
		}
		return fix
	}
	if operations == 0 {
		p.errorf(n, "the fix does nothing; add set, delete, append or write, or take it away")
	}
	return fix
}

func (p *parser) fixPath(n *yaml.Node, s string) {
	if path, err := ParsePath(s); err != nil {
		p.errorf(n, "%v", err)
	} else if len(path) == 0 {
		p.errorf(n, "a fix needs the path of a setting")
	}
}

// settings reads paths and values; with item set, "." is a path too: that of
// the item of a list which is selected.
func (p *parser) settings(f field, item bool) []Setting {
	if f.value == nil {
		return nil
	}
	if f.value.Kind != yaml.MappingNode {
		p.errorf(f.value, "%s should be a mapping of paths to values", f.key.Value)
		return nil
	}
	var out []Setting
	for i := 0; i+1 < len(f.value.Content); i += 2 {
		k, v := f.value.Content[i], f.value.Content[i+1]
		if !item || k.Value != "." {
			p.fixPath(k, k.Value)
		}
		for _, s := range out {
			if s.Path == k.Value {
				p.errorf(k, "the path %q is repeated", k.Value)
			}
		}
		out = append(out, Setting{Path: k.Value, Value: p.value(v)})
	}
	return out
}

// value keeps lists and maps as they are written and reads scalars as YAML does.
func (p *parser) value(n *yaml.Node) any {
	if n.Kind != yaml.ScalarNode {
		return n
	}
	var v any
	if err := n.Decode(&v); err != nil {
		p.errorf(n, "the value cannot be read: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	switch t := v.(type) {
	case nil, bool, float64, string:
		return v
	case int:
		return int64(t)
	case int64:
		return t
	}
	p.errorf(n, "the value is neither a boolean, a number nor a string; put it in quotes")
	return nil
}

func (p *parser) examples(f field, r *Rule) []Example {
	var out []Example
	for _, n := range p.items(f, maxExamples) {
		fs := p.fields(n, "an example", "platform", "format", "file", "fail", "fixed", "pass")
		if fs == nil {
			continue
		}
		e := Example{
			Line: n.Line, Format: p.text(fs["format"], false), File: p.text(fs["file"], false),
			Fail: p.text(fs["fail"], false), Fixed: p.text(fs["fixed"], false), Pass: p.text(fs["pass"], false),
		}
		switch pf, ok := fs["platform"]; {
		case ok:
			e.Platform = p.word(pf, Platforms())
			if ps := r.Platforms(); len(ps) > 0 && slices.Contains(Platforms(), e.Platform) && !slices.Contains(ps, e.Platform) {
				p.errorf(pf.value, "the rule has no check for %s", e.Platform)
			}
		case len(r.Platforms()) > 1:
			p.errorf(n, "the example does not say its platform; add %s", oneOf(r.Platforms()))
		case len(r.Platforms()) == 1:
			e.Platform = r.Platforms()[0]
		}
		switch {
		case e.Fail == "" && e.Pass == "":
			p.errorf(n, "the example shows nothing; add fail or pass")
		case e.Fixed != "" && e.Fail == "":
			p.errorf(n, "the example shows what is fixed, but not what fails; add fail")
		}
		out = append(out, e)
	}
	return out
}
