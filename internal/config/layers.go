package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Layer is one layer of a repository's configuration and what people call it.
type Layer struct {
	Name string // such as acme/.github/.plimsoll.yml
	Repository
	// Free says that no lock of a layer below holds for this one: the flags of a
	// command line.
	Free bool
}

// Origin says where the value of a setting came from.
type Origin struct {
	Key    string // mode, rules.k8s/host-path, suppress[0]
	Value  string // in one line
	Layer  string
	Place  source.Range // zero for defaults
	Locked string       // the layer that locked it, "" where it is open
}

// keyDef is one key of a configuration: how layers of it are laid over each
// other. rules and suppress are laid by hand.
type keyDef struct {
	name  string
	isSet func(l *Repository) bool
	// take replaces what is below.
	take func(m, l *Repository)
	// tighten takes what does not loosen what is below, and reports whether that
	// was all.
	tighten func(m, l *Repository) bool
	show    func(m *Repository) string
}

func keyDefs() []keyDef {
	return []keyDef{
		word("mode", func(r *Repository) *string { return &r.Mode }, ModeAdvise, ModeEnforce),
		{
			name: "profile", isSet: func(l *Repository) bool { return l.Profile != nil },
			take: func(m, l *Repository) { m.Profile = slices.Clone(l.Profile) },
			tighten: func(m, l *Repository) bool {
				all := containsAll(l.Profile, m.Profile)
				m.Profile = union(m.Profile, l.Profile)
				return all
			},
			show: func(m *Repository) string { return list(m.Profile) },
		},
		threshold("fail_on", func(r *Repository) *rule.Severity { return &r.FailOn }),
		flag("review_drafts", func(r *Repository) **bool { return &r.ReviewDrafts }),
		threshold("comment_on", func(r *Repository) *rule.Severity { return &r.CommentOn }),
		{
			name: "max_comments", isSet: func(l *Repository) bool { return l.MaxComments != nil },
			take: func(m, l *Repository) { m.MaxComments = l.MaxComments },
			tighten: func(m, l *Repository) bool {
				if m.MaxComments != nil && *l.MaxComments < *m.MaxComments {
					return false
				}
				m.MaxComments = l.MaxComments
				return true
			},
			show: func(m *Repository) string { return strconv.Itoa(*m.MaxComments) },
		},
		{
			name: "paths.include", isSet: func(l *Repository) bool { return l.Include != nil },
			take: func(m, l *Repository) { m.Include = slices.Clone(l.Include) },
			tighten: func(m, l *Repository) bool {
				all := containsAll(l.Include, m.Include)
				m.Include = union(m.Include, l.Include)
				return all
			},
			show: func(m *Repository) string { return list(m.Include) },
		},
		{
			name: "paths.exclude", isSet: func(l *Repository) bool { return l.Exclude != nil },
			take: func(m, l *Repository) { m.Exclude = slices.Clone(l.Exclude) },
			tighten: func(m, l *Repository) bool {
				if !containsAll(m.Exclude, l.Exclude) {
					return false
				}
				m.Exclude = slices.Clone(l.Exclude)
				return true
			},
			show: func(m *Repository) string { return list(m.Exclude) },
		},
		{
			name: "extra_rules", isSet: func(l *Repository) bool { return l.ExtraRules != nil },
			take: func(m, l *Repository) { m.ExtraRules = slices.Clone(l.ExtraRules) },
			tighten: func(m, l *Repository) bool {
				m.ExtraRules = union(m.ExtraRules, l.ExtraRules)
				return true
			},
			show: func(m *Repository) string { return list(m.ExtraRules) },
		},
		{
			name: "terraform.var_files", isSet: func(l *Repository) bool { return l.VarFiles != nil },
			take: func(m, l *Repository) { m.VarFiles = slices.Clone(l.VarFiles) },
			tighten: func(m, l *Repository) bool {
				m.VarFiles = union(m.VarFiles, l.VarFiles)
				return true
			},
			show: func(m *Repository) string { return list(m.VarFiles) },
		},
		{
			name: "helm.values", isSet: func(l *Repository) bool { return l.HelmValues != nil },
			take: func(m, l *Repository) { m.HelmValues = slices.Clone(l.HelmValues) },
			tighten: func(m, l *Repository) bool {
				m.HelmValues = union(m.HelmValues, l.HelmValues)
				return true
			},
			show: func(m *Repository) string { return list(m.HelmValues) },
		},
		said("helm.kube_version", func(r *Repository) *string { return &r.HelmKubeVersion }),
		said("helm.namespace", func(r *Repository) *string { return &r.HelmNamespace }),
		word("inline_suppressions", func(r *Repository) *string { return &r.InlineSuppressions }, InlineHead, InlineBase),
		{
			name: "compatibility.suppressions", isSet: func(l *Repository) bool { return l.ForeignSuppressions != nil },
			take: func(m, l *Repository) { m.ForeignSuppressions = l.ForeignSuppressions },
			tighten: func(m, l *Repository) bool {
				if m.ForeignSuppressions != nil && !*m.ForeignSuppressions && *l.ForeignSuppressions {
					return false
				}
				m.ForeignSuppressions = l.ForeignSuppressions
				return true
			},
			show: func(m *Repository) string { return strconv.FormatBool(*m.ForeignSuppressions) },
		},
		flag("sarif_upload", func(r *Repository) **bool { return &r.SARIFUpload }),
	}
}

// said is a key of a text that is neither stricter nor looser than another one.
func said(name string, of func(*Repository) *string) keyDef {
	return keyDef{
		name: name, isSet: func(l *Repository) bool { return *of(l) != "" },
		take: func(m, l *Repository) { *of(m) = *of(l) },
		tighten: func(m, l *Repository) bool {
			if *of(m) != "" && *of(m) != *of(l) {
				return false
			}
			*of(m) = *of(l)
			return true
		},
		show: func(m *Repository) string { return *of(m) },
	}
}

// word is a key of two words, the looser one first.
func word(name string, field func(*Repository) *string, loose, strict string) keyDef {
	return keyDef{
		name: name, isSet: func(l *Repository) bool { return *field(l) != "" },
		take: func(m, l *Repository) { *field(m) = *field(l) },
		tighten: func(m, l *Repository) bool {
			if *field(m) == strict && *field(l) == loose {
				return false
			}
			*field(m) = *field(l)
			return true
		},
		show: func(m *Repository) string { return *field(m) },
	}
}

// threshold is a lowest severity: the lower, the stricter.
func threshold(name string, field func(*Repository) *rule.Severity) keyDef {
	strictness := func(s rule.Severity) int {
		return slices.Index([]rule.Severity{"none", rule.Critical, rule.High, rule.Medium, rule.Low}, s)
	}
	return keyDef{
		name: name, isSet: func(l *Repository) bool { return *field(l) != "" },
		take: func(m, l *Repository) { *field(m) = *field(l) },
		tighten: func(m, l *Repository) bool {
			if strictness(*field(l)) < strictness(*field(m)) {
				return false
			}
			*field(m) = *field(l)
			return true
		},
		show: func(m *Repository) string { return string(*field(m)) },
	}
}

// flag is a key whose true is the stricter.
func flag(name string, field func(*Repository) **bool) keyDef {
	return keyDef{
		name: name, isSet: func(l *Repository) bool { return *field(l) != nil },
		take: func(m, l *Repository) { *field(m) = *field(l) },
		tighten: func(m, l *Repository) bool {
			if *field(m) != nil && **field(m) && !**field(l) {
				return false
			}
			*field(m) = *field(l)
			return true
		},
		show: func(m *Repository) string { return strconv.FormatBool(**field(m)) },
	}
}

// lockable are the words that locked may hold, beside rules.<id>.
func lockable() []string {
	names := []string{"rules", "suppress"}
	for _, k := range keyDefs() {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// Lay lays the layers over each other, lowest first. A setting of a later layer
// replaces an earlier one; rules are merged setting by setting; suppressions of
// all layers count. What a lower layer has locked, a later one may only make
// stricter: what would loosen it does not count and is named. No layer is
// changed.
func Lay(layers ...Layer) (Repository, []Origin, source.Diagnostics) {
	s := stack{locks: map[string]string{}, from: map[string]Origin{}}
	for i := range layers {
		s.lay(&layers[i])
	}
	return s.m, s.origins(), s.ds
}

type stack struct {
	m        Repository
	locks    map[string]string // key → the layer that locked it
	from     map[string]Origin
	suppress []Origin // of m.Suppress
	ds       source.Diagnostics
}

func (s *stack) lay(l *Layer) {
	lockedBy := func(key string) string {
		if l.Free {
			return ""
		}
		return s.locks[key]
	}
	for _, k := range keyDefs() {
		if !k.isSet(&l.Repository) {
			continue
		}
		if by := lockedBy(k.name); by == "" {
			k.take(&s.m, &l.Repository)
		} else if !k.tighten(&s.m, &l.Repository) {
			s.refuse(l, k.name, by, "stays "+k.show(&s.m))
			continue
		}
		s.from[k.name] = Origin{Key: k.name, Layer: l.Name, Place: l.Places[k.name]}
	}
	for _, id := range slices.Sorted(maps.Keys(l.Rules)) {
		by := lockedBy("rules")
		if by == "" {
			by = lockedBy("rules." + id)
		}
		s.override(l, id, l.Rules[id], by)
	}
	if by := lockedBy("suppress"); by != "" && len(l.Suppress) > 0 {
		s.refuse(l, "suppress", by, "its entries do not count here")
	} else {
		for _, x := range l.Suppress {
			s.m.Suppress = append(s.m.Suppress, x)
			s.suppress = append(s.suppress, Origin{Value: x.Rule + ": " + x.Reason, Layer: l.Name, Place: x.Range})
		}
	}
	for _, key := range l.Locked {
		if s.locks[key] == "" {
			s.locks[key] = l.Name
		}
	}
	s.m.Locked = union(s.m.Locked, l.Locked)
}

func (s *stack) override(l *Layer, id string, o RuleOverride, lockedBy string) {
	low := s.m.Rules[id]
	if lockedBy != "" {
		off := o.Enabled != nil && !*o.Enabled && (low.Enabled == nil || *low.Enabled)
		// What severity the rule has by itself is not known here.
		weaker := o.Severity != "" && o.Severity != rule.Critical && (low.Severity == "" || o.Severity.Rank() < low.Severity.Rank())
		if off || weaker {
			s.refuse(l, "rules."+id, lockedBy, "is not loosened here")
			return
		}
	}
	if s.m.Rules == nil {
		s.m.Rules = make(map[string]RuleOverride)
	}
	s.m.Rules[id] = RuleOverride{Enabled: either(o.Enabled, low.Enabled), Severity: either(o.Severity, low.Severity)}
	key := "rules." + id
	s.from[key] = Origin{Key: key, Layer: l.Name, Place: l.Places[key]}
}

func (s *stack) refuse(l *Layer, key, by, rest string) {
	at := l.Places[key]
	s.ds.Warnf(at.File, at.Start.Line, "%s is locked by %s and %s", key, by, rest)
}

// origins gives where every setting came from, in a stable order.
func (s *stack) origins() []Origin {
	var out []Origin
	for _, k := range keyDefs() {
		if o, ok := s.from[k.name]; ok {
			o.Value, o.Locked = k.show(&s.m), s.locks[k.name]
			out = append(out, o)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.m.Rules)) {
		o := s.from["rules."+id]
		o.Value, o.Locked = s.m.Rules[id].String(), either(s.locks["rules."+id], s.locks["rules"])
		out = append(out, o)
	}
	for i, o := range s.suppress {
		o.Key, o.Locked = fmt.Sprintf("suppress[%d]", i), s.locks["suppress"]
		out = append(out, o)
	}
	return out
}

// String shows an override in one line.
func (o RuleOverride) String() string {
	var parts []string
	if o.Enabled != nil {
		parts = append(parts, "enabled: "+strconv.FormatBool(*o.Enabled))
	}
	if o.Severity != "" {
		parts = append(parts, "severity: "+string(o.Severity))
	}
	return strings.Join(parts, ", ")
}

func list(items []string) string { return "[" + strings.Join(items, ", ") + "]" }

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Difference is a setting that two configurations have different values of.
type Difference struct {
	Key, Before, After string
	// Loosens says that less is judged, said or failed by After.
	Loosens bool
}

// Compare gives the settings in which two merged configurations differ, without
// rules and suppressions.
func Compare(before, after Repository) []Difference {
	var out []Difference
	for _, k := range keyDefs() {
		if !k.isSet(&before) || !k.isSet(&after) {
			continue
		}
		d := Difference{Key: k.name, Before: k.show(&before), After: k.show(&after)}
		if d.Before == d.After {
			continue
		}
		m := before
		d.Loosens = !k.tighten(&m, &after)
		out = append(out, d)
	}
	return out
}
