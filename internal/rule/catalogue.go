package rule

import (
	"fmt"
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Catalogue is a set of rules with unique ids. It is safe for concurrent use.
type Catalogue struct {
	all  []*Rule
	byID map[string]*Rule
}

// New makes a catalogue. Rules that were put together by hand may not be in use
// elsewhere meanwhile. Of rules with one id the first counts; the others are
// named in the diagnostics, so that a repository's own rule cannot take the
// place of a built-in one.
func New(rules []*Rule) (*Catalogue, source.Diagnostics) {
	var ds source.Diagnostics
	c := &Catalogue{byID: make(map[string]*Rule, len(rules))}
	for _, r := range rules {
		if _, again := c.byID[r.ID]; again {
			ds.Errorf(r.File, r.Line, "the id %s is taken by another rule; give this one another", r.ID)
			continue
		}
		if r.programs == nil {
			r.seal()
		}
		c.byID[r.ID] = r
		c.all = append(c.all, r)
	}
	slices.SortFunc(c.all, compareIDs)
	return c, ds
}

// All gives the rules, sorted by id. The slice is the caller's.
func (c *Catalogue) All() []*Rule { return slices.Clone(c.all) }

// ByID finds a rule.
func (c *Catalogue) ByID(id string) (*Rule, bool) {
	r, ok := c.byID[id]
	return r, ok
}

// Suggest gives the id that id was most likely meant for, or "".
func (c *Catalogue) Suggest(id string) string {
	ids := make([]string, len(c.all))
	for i, r := range c.all {
		ids[i] = r.ID
	}
	return SuggestID(id, ids)
}

// Known reports whether a rule has the id, and what may have been meant if not.
func (c *Catalogue) Known(id string) (ok bool, suggestion string) {
	if _, ok := c.byID[id]; ok {
		return true, ""
	}
	return false, c.Suggest(id)
}

// ForPlatform gives the rules that have a check for resources of a platform and
// kind, sorted by id. group counts for Kubernetes alone.
func (c *Catalogue) ForPlatform(platform, group, kind string) []*Rule {
	var out []*Rule
	for _, r := range c.all {
		if slices.ContainsFunc(r.Checks, func(k Check) bool { return k.Applies(platform, group, kind) }) {
			out = append(out, r)
		}
	}
	return out
}

// Applies reports whether the check is for resources of a platform and kind.
// Kinds may say the group: rbac.authorization.k8s.io/ClusterRole.
func (c *Check) Applies(platform, group, kind string) bool {
	if c.Platform != platform {
		return false
	}
	for _, k := range c.Kinds {
		if k == kind || group != "" && len(k) == len(group)+1+len(kind) && k[:len(group)] == group && k[len(group)] == '/' && k[len(group)+1:] == kind {
			return true
		}
	}
	return len(c.Kinds) == 0
}

// Override changes one rule.
type Override struct {
	Enabled  *bool
	Severity Severity // "" leaves the rule's
}

// Active is a rule that is to be evaluated, with the severity that it has here.
type Active struct {
	Rule     *Rule
	Severity Severity
}

// IsProfile reports whether s is the name of a profile.
func IsProfile(s string) bool { return slices.Contains(Profiles(), s) }

// Select gives the rules of the profiles, sorted by id, with the overrides
// applied: one that is disabled is left out, one that is enabled comes in
// whatever its profile. Rules of the profile default are always in; strict adds
// the stricter ones, reliability and style theirs. Overrides of unknown rules
// are ignored; their authors are told where the configuration is read. The
// error names an unknown profile.
func (c *Catalogue) Select(profiles []string, overrides map[string]Override) ([]Active, error) {
	in := map[string]bool{Profiles()[0]: true}
	for _, p := range profiles {
		if !IsProfile(p) {
			return nil, fmt.Errorf("unknown profile %q; %s", p, remedy(p, Profiles()))
		}
		in[p] = true
	}
	out := make([]Active, 0, len(c.all))
	for _, r := range c.all {
		on, severity := in[r.Profile], r.Severity
		if o, ok := overrides[r.ID]; ok {
			if o.Enabled != nil {
				on = *o.Enabled
			}
			if o.Severity.Rank() > 0 {
				severity = o.Severity
			}
		}
		if on {
			out = append(out, Active{Rule: r, Severity: severity})
		}
	}
	return out, nil
}
