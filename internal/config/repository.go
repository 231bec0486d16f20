package config

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// RepositoryFile is the name of a repository's configuration at its root, and
// of an organisation's at the root of its .github repository.
const RepositoryFile = ".plimsoll.yml"

// The words of Repository.Mode and Repository.InlineSuppressions.
const (
	ModeEnforce = "enforce"
	ModeAdvise  = "advise"
	InlineBase  = "base"
	InlineHead  = "head"
)

// Profiles are the profiles that a configuration may name. Each rule is in one;
// default is the one that is used when nothing is said.
func Profiles() []string { return rule.Profiles() }

// maxComments is what one review can carry within GitHub's limits.
const maxComments = 100

// Repository is one layer of a repository's configuration, or several merged.
// Zero values mean "not set" throughout: an empty text, a nil pointer, slice or
// map. An empty slice that is not nil was set to nothing.
type Repository struct {
	Mode         string   // ModeEnforce, ModeAdvise
	Profile      []string // some of Profiles
	FailOn       rule.Severity
	ReviewDrafts *bool
	CommentOn    rule.Severity
	MaxComments  *int // 0 to 100
	// Include and Exclude are patterns of paths from the repository's root, as
	// project.Match reads them. A file counts when some Include pattern matches and no Exclude pattern does.
	Include, Exclude []string
	// Rules changes single rules, by id.
	Rules map[string]RuleOverride
	// Suppress are those that have a reason and a date that can be read. Whether
	// the date has passed is for Current to say.
	Suppress []Suppression
	// ExtraRules are folders of the repository under review, from its root.
	ExtraRules []string
	// VarFiles are patterns of files of variables that Terraform is given by name.
	VarFiles []string
	// HelmValues are patterns of values files that charts are rendered with, one
	// environment each; HelmKubeVersion and HelmNamespace say what for. "": not
	// said.
	HelmValues                     []string
	HelmKubeVersion, HelmNamespace string
	// InlineSuppressions says on which side of a pull request inline
	// suppressions count: InlineBase or InlineHead.
	InlineSuppressions string
	// SARIFUpload says that findings go to code scanning too.
	SARIFUpload *bool
	// Locked are keys that layers above this one may only make stricter: names of
	// keys, and rules.<id>.
	Locked []string
	// Places says where in its file a layer sets a key: mode, rules.<id>.
	Places map[string]source.Range
	// ForeignSuppressions says whether suppressions that were written for other
	// tools count (compatibility.suppressions).
	ForeignSuppressions *bool
}

// RuleOverride changes one rule.
type RuleOverride struct {
	Enabled  *bool
	Severity rule.Severity // "" when not set; never "none"
}

// Suppression answers for the findings of a rule under some paths.
type Suppression struct {
	Rule    string
	Paths   []string // patterns; nil for every path
	Reason  string   // never empty
	Expires string   // YYYY-MM-DD, the last day on which it counts; "" for never
	Range   source.Range
}

// Expired reports whether the last day of s, in UTC, has passed.
func (s Suppression) Expired(now time.Time) bool {
	if s.Expires == "" {
		return false
	}
	last, err := time.Parse(time.DateOnly, s.Expires)
	return err != nil || !now.Before(last.AddDate(0, 0, 1))
}

// Covers reports whether s speaks of findings in the file at path.
func (s Suppression) Covers(path string) bool {
	return s.Paths == nil || matcher(s.Paths)(path)
}

// Defaults is the lowest layer: every setting that has a value has it here.
func Defaults() Repository {
	drafts, comments, upload, foreign := false, 20, false, true
	return Repository{
		Mode: ModeEnforce, Profile: []string{"default"},
		FailOn: rule.High, ReviewDrafts: &drafts, CommentOn: rule.Medium, MaxComments: &comments,
		Include: []string{"**"}, Exclude: []string{},
		ExtraRules: []string{}, InlineSuppressions: InlineBase, SARIFUpload: &upload, ForeignSuppressions: &foreign,
	}
}

// Merge is Lay for layers of which nothing else is wanted.
func Merge(layers ...Repository) Repository {
	named := make([]Layer, len(layers))
	for i, l := range layers {
		named[i] = Layer{Repository: l}
	}
	m, _, _ := Lay(named...)
	return m
}

func either[T comparable](upper, lower T) T {
	var unset T
	if upper != unset {
		return upper
	}
	return lower
}

// Current leaves out the suppressions whose last day has passed and says so.
func (r Repository) Current(now time.Time) (Repository, source.Diagnostics) {
	var ds source.Diagnostics
	live := make([]Suppression, 0, len(r.Suppress))
	for _, s := range r.Suppress {
		if s.Expired(now) {
			ds.Warnf(s.Range.File, s.Range.Start.Line,
				"the suppression of %s ended on %s and does not count; remove it, or give it a new date", s.Rule, s.Expires)
			continue
		}
		live = append(live, s)
	}
	if len(ds) > 0 {
		r.Suppress = live
	}
	return r, ds
}

// Filter gives the files that count by Include and Exclude, or nil when all do.
// Include not set counts as everything.
func (r Repository) Filter() project.Filter {
	if len(r.Exclude) == 0 && (r.Include == nil || slices.Contains(r.Include, "**")) {
		return nil
	}
	exclude, include := matcher(r.Exclude), matcher(r.Include)
	everything := r.Include == nil
	return func(path string) bool {
		return (everything || include(path)) && !exclude(path)
	}
}

// Units gives what the configuration says about units.
func (r Repository) Units() project.Settings {
	return project.Settings{VarFiles: r.VarFiles, HelmValues: r.HelmValues, KubeVersion: r.HelmKubeVersion, Namespace: r.HelmNamespace}
}

// ParseRepository reads one layer. path is what messages call the file. known
// says whether there is a rule of an id and, where not, which id may have been
// meant ("" for none); nil takes every id as known. To have the ids of a
// repository's own rules known, read once without it for ExtraRules, then again.
//
// The error, an *Error, means that nothing of the file can be relied on: it is
// not YAML, of an unknown version, has unknown keys, or values that cannot be.
// Diagnostics are about single entries that were left out while the rest
// counts. An empty file sets nothing.
func ParseRepository(path string, data []byte, known func(id string) (ok bool, suggestion string)) (Repository, source.Diagnostics, error) {
	root, err := parseYAML(path, data)
	if err != nil || root == nil {
		return Repository{}, nil, err
	}
	if known == nil {
		known = func(string) (bool, string) { return true, "" }
	}
	p := repositoryParser{file: source.NewFile(path, data), known: known}
	if err := p.parse(root); err != nil {
		return Repository{}, nil, err
	}
	p.ds.Sort()
	return p.r, p.ds, nil
}

type repositoryParser struct {
	file  *source.File
	known func(string) (bool, string)
	r     Repository
	ds    source.Diagnostics
}

// parse reads the top level. Each setting is read by a function of its own; the
// table is also the list of keys that there are.
func (p *repositoryParser) parse(root *yaml.Node) error {
	readers, keys := p.readers(), p.keys()
	pairs, err := mapping(p.file.Path, "the configuration", root)
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		i := slices.Index(keys, kv.key)
		if i < 0 {
			return p.unknownKey(kv, "", keys)
		}
		p.at(kv.key, kv.line)
		if err := readers[i].read(kv.value); err != nil {
			return err
		}
	}
	return nil
}

// keys are the keys of the top level.
func (p *repositoryParser) keys() []string {
	var out []string
	for _, r := range p.readers() {
		out = append(out, r.key)
	}
	return out
}

type keyReader struct {
	key  string
	read func(*yaml.Node) error
}

func (p *repositoryParser) readers() []keyReader {
	return []keyReader{
		{"version", p.version},
		{"mode", func(n *yaml.Node) (err error) {
			p.r.Mode, err = p.word("mode", n, []string{ModeEnforce, ModeAdvise})
			return err
		}},
		{"profile", p.profile},
		{"fail_on", func(n *yaml.Node) (err error) { p.r.FailOn, err = p.severity("fail_on", n, true); return err }},
		{"review_drafts", func(n *yaml.Node) error {
			v, err := boolean(p.file.Path, "review_drafts", n)
			p.r.ReviewDrafts = &v
			return err
		}},
		{"comment_on", func(n *yaml.Node) (err error) { p.r.CommentOn, err = p.severity("comment_on", n, true); return err }},
		{"max_comments", func(n *yaml.Node) error {
			v, err := integer(p.file.Path, "max_comments", n, 0, maxComments)
			p.r.MaxComments = &v
			return err
		}},
		{"paths", p.paths},
		{"rules", p.rules},
		{"suppress", p.suppress},
		{"extra_rules", p.extraRules},
		{"compatibility", p.compatibility},
		{"terraform", p.terraform},
		{"helm", p.helm},
		{"inline_suppressions", func(n *yaml.Node) (err error) {
			p.r.InlineSuppressions, err = p.word("inline_suppressions", n, []string{InlineBase, InlineHead})
			return err
		}},
		{"sarif_upload", func(n *yaml.Node) error {
			v, err := boolean(p.file.Path, "sarif_upload", n)
			p.r.SARIFUpload = &v
			return err
		}},
		{"locked", p.locked},
	}
}

// at notes where a key is set.
func (p *repositoryParser) at(key string, line int) {
	if p.r.Places == nil {
		p.r.Places = map[string]source.Range{}
	}
	p.r.Places[key] = p.file.LineRange(line, line)
}

// locked reads the keys that layers above may only make stricter.
func (p *repositoryParser) locked(n *yaml.Node) error {
	list, lines, err := texts(p.file.Path, "locked", n)
	if err != nil {
		return err
	}
	for i, key := range list {
		if id, ok := strings.CutPrefix(key, "rules."); ok {
			if p.knownRule(id, lines[i]) {
				p.r.Locked = append(p.r.Locked, key)
			}
			continue
		}
		if key == "paths" {
			p.r.Locked = append(p.r.Locked, "paths.include", "paths.exclude")
			continue
		}
		if !slices.Contains(lockable(), key) {
			return errorAt(p.file.Path, lines[i], "locked: %q is no key that can be locked; %s", shorten(key), suggest(key, append(lockable(), "paths", "rules.<id>")))
		}
		p.r.Locked = append(p.r.Locked, key)
	}
	return nil
}

func (p *repositoryParser) unknownKey(kv pair, where string, keys []string) error {
	return errorAt(p.file.Path, kv.line, "unknown key %q%s; %s", shorten(kv.key), where, suggest(kv.key, keys))
}

func (p *repositoryParser) version(n *yaml.Node) error {
	v, err := text(p.file.Path, "version", n)
	if err != nil {
		return err
	}
	if v != "1" {
		return errorAt(p.file.Path, n.Line, "unknown version %q; this Plimsoll reads version 1", shorten(v))
	}
	return nil
}

func (p *repositoryParser) word(key string, n *yaml.Node, words []string) (string, error) {
	v, err := text(p.file.Path, key, n)
	if err != nil {
		return "", err
	}
	if !slices.Contains(words, v) {
		return "", errorAt(p.file.Path, n.Line, "%s: %q is not known; %s", key, shorten(v), suggest(v, words))
	}
	return v, nil
}

func (p *repositoryParser) severity(key string, n *yaml.Node, threshold bool) (rule.Severity, error) {
	var words []string
	for _, s := range rule.Severities() {
		words = append(words, string(s))
	}
	if threshold {
		words = append(words, "none")
	}
	v, err := p.word(key, n, words)
	return rule.Severity(v), err
}

func (p *repositoryParser) profile(n *yaml.Node) error {
	names, lines, err := texts(p.file.Path, "profile", n)
	if err != nil {
		return err
	}
	for i, name := range names {
		if !slices.Contains(Profiles(), name) {
			return errorAt(p.file.Path, lines[i], "unknown profile %q; %s", shorten(name), suggest(name, Profiles()))
		}
	}
	p.r.Profile = names
	return nil
}

func (p *repositoryParser) compatibility(n *yaml.Node) error {
	pairs, err := mapping(p.file.Path, "compatibility", n)
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		if kv.key != "suppressions" {
			return p.unknownKey(kv, " in compatibility", []string{"suppressions"})
		}
		v, err := boolean(p.file.Path, "compatibility.suppressions", kv.value)
		if err != nil {
			return err
		}
		p.r.ForeignSuppressions = &v
		p.at("compatibility.suppressions", kv.line)
	}
	return nil
}

func (p *repositoryParser) paths(n *yaml.Node) error {
	pairs, err := mapping(p.file.Path, "paths", n)
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		p.at("paths."+kv.key, kv.line)
		switch kv.key {
		case "include":
			p.r.Include, err = p.patterns("paths.include", kv.value)
		case "exclude":
			p.r.Exclude, err = p.patterns("paths.exclude", kv.value)
		default:
			err = p.unknownKey(kv, " in paths", []string{"include", "exclude"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// What the version of a cluster and the name of a namespace look like.
var (
	kubeVersion   = regexp.MustCompile(`^v?[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?$`)
	namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func (p *repositoryParser) helm(n *yaml.Node) error {
	pairs, err := mapping(p.file.Path, "helm", n)
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		p.at("helm."+kv.key, kv.line)
		switch kv.key {
		case "values":
			p.r.HelmValues, err = p.patterns("helm.values", kv.value)
		case "kube_version":
			if p.r.HelmKubeVersion, err = text(p.file.Path, "helm.kube_version", kv.value); err == nil && !kubeVersion.MatchString(p.r.HelmKubeVersion) {
				err = errorAt(p.file.Path, kv.line, "helm.kube_version: %q is no version of Kubernetes; write it as 1.34", shorten(p.r.HelmKubeVersion))
			}
		case "namespace":
			if p.r.HelmNamespace, err = text(p.file.Path, "helm.namespace", kv.value); err == nil && !namespaceName.MatchString(p.r.HelmNamespace) {
				err = errorAt(p.file.Path, kv.line, "helm.namespace: %q is no name of a namespace", shorten(p.r.HelmNamespace))
			}
		default:
			err = p.unknownKey(kv, " in helm", []string{"values", "kube_version", "namespace"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *repositoryParser) terraform(n *yaml.Node) error {
	pairs, err := mapping(p.file.Path, "terraform", n)
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		p.at("terraform."+kv.key, kv.line)
		if kv.key != "var_files" {
			return p.unknownKey(kv, " in terraform", []string{"var_files"})
		}
		if p.r.VarFiles, err = p.patterns("terraform.var_files", kv.value); err != nil {
			return err
		}
	}
	return nil
}

// patterns reads a list of path patterns. Those that are none are named and
// left out; the result is not nil.
func (p *repositoryParser) patterns(key string, n *yaml.Node) ([]string, error) {
	list, lines, err := texts(p.file.Path, key, n)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(list))
	for i, s := range list {
		g, err := parseGlob(s)
		if err != nil {
			p.ds.Warnf(p.file.Path, lines[i], "%s: the pattern %q %s; it does not count", key, shorten(s), err)
			continue
		}
		out = append(out, g)
	}
	return out, nil
}

func (p *repositoryParser) knownRule(id string, line int) bool {
	ok, suggestion := p.known(id)
	if ok {
		return true
	}
	remedy := "see the list of rules"
	if suggestion != "" {
		remedy = fmt.Sprintf("did you mean %q?", suggestion)
	}
	p.ds.Warnf(p.file.Path, line, "unknown rule %q; %s", shorten(id), remedy)
	return false
}

func (p *repositoryParser) rules(n *yaml.Node) error {
	pairs, err := mapping(p.file.Path, "rules", n)
	if err != nil {
		return err
	}
	p.r.Rules = make(map[string]RuleOverride, len(pairs))
	for _, kv := range pairs {
		o, err := p.override(kv)
		if err != nil {
			return err
		}
		if p.knownRule(kv.key, kv.line) {
			p.r.Rules[kv.key] = o
			p.at("rules."+kv.key, kv.line)
		}
	}
	return nil
}

func (p *repositoryParser) override(rule pair) (o RuleOverride, err error) {
	name := "rules." + shorten(rule.key)
	settings, err := mapping(p.file.Path, name, rule.value)
	if err != nil {
		return o, err
	}
	for _, kv := range settings {
		switch kv.key {
		case "enabled":
			var v bool
			v, err = boolean(p.file.Path, name+".enabled", kv.value)
			o.Enabled = &v
		case "severity":
			o.Severity, err = p.severity(name+".severity", kv.value, false)
		default:
			err = p.unknownKey(kv, " in "+name, []string{"enabled", "severity"})
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// extraRules reads folders of rules. A path that leaves the repository is an
// error, not a warning: whoever wrote it believes that those rules are judged.
func (p *repositoryParser) extraRules(n *yaml.Node) error {
	list, lines, err := texts(p.file.Path, "extra_rules", n)
	if err != nil {
		return err
	}
	p.r.ExtraRules = make([]string, 0, len(list))
	for i, s := range list {
		dir := strings.TrimSuffix(strings.TrimPrefix(s, "./"), "/")
		if !fs.ValidPath(dir) || strings.ContainsRune(dir, '\\') {
			return errorAt(p.file.Path, lines[i], "extra_rules: %q is not a folder of this repository; write its path from the root", shorten(s))
		}
		p.r.ExtraRules = append(p.r.ExtraRules, dir)
	}
	return nil
}

func (p *repositoryParser) suppress(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return errorAt(p.file.Path, n.Line, "suppress must be a list, not %s", kindOf(n))
	}
	for _, item := range n.Content {
		if err := p.suppression(resolve(item)); err != nil {
			return err
		}
	}
	return nil
}

func (p *repositoryParser) suppression(n *yaml.Node) error {
	pairs, err := mapping(p.file.Path, "each entry of suppress", n)
	if err != nil {
		return err
	}
	s := Suppression{Range: p.file.LineRange(n.Line, n.Line)}
	expiresLine, pathsGiven := n.Line, false
	for _, kv := range pairs {
		switch kv.key {
		case "rule":
			s.Rule, err = text(p.file.Path, "rule", kv.value)
		case "paths":
			pathsGiven = true
			s.Paths, err = p.patterns("paths", kv.value)
		case "reason":
			if kv.value.Tag != "!!null" {
				s.Reason, err = text(p.file.Path, "reason", kv.value)
			}
		case "expires":
			expiresLine = kv.line
			s.Expires, err = text(p.file.Path, "expires", kv.value)
		default:
			err = p.unknownKey(kv, " in suppress", []string{"rule", "paths", "reason", "expires"})
		}
		if err != nil {
			return err
		}
	}
	if s.Rule == "" {
		return errorAt(p.file.Path, n.Line, "an entry of suppress names no rule; add rule: <id>")
	}
	if p.counts(s, n.Line, expiresLine, pathsGiven) {
		p.r.Suppress = append(p.r.Suppress, s)
	}
	return nil
}

// counts says whether a suppression counts, and why not.
func (p *repositoryParser) counts(s Suppression, line, expiresLine int, pathsGiven bool) bool {
	ok := p.knownRule(s.Rule, line)
	if strings.TrimSpace(s.Reason) == "" {
		p.ds.Warnf(p.file.Path, line, "the suppression of %s has no reason and does not count; add reason: <why it may stay>", shorten(s.Rule))
		ok = false
	}
	if s.Expires != "" {
		if _, err := time.Parse(time.DateOnly, s.Expires); err != nil {
			p.ds.Warnf(p.file.Path, expiresLine, "the suppression of %s has the date %q, which is none, and does not count; write expires: YYYY-MM-DD", shorten(s.Rule), shorten(s.Expires))
			ok = false
		}
	}
	if pathsGiven && len(s.Paths) == 0 {
		// Without its patterns it would cover every path, which nobody asked for.
		p.ds.Warnf(p.file.Path, line, "the suppression of %s has no pattern in paths that counts and covers nothing", shorten(s.Rule))
		ok = false
	}
	return ok
}
