// Package rule is the form of the catalogue: one YAML file a rule, with its
// conditions in CEL and its examples, compiled to something that the engine can
// evaluate. It has no I/O beyond the fs.FS that it is given.
package rule

import (
	"fmt"
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Severity says what happens if nobody acts. docs/severity.md has the scale.
type Severity string

// The four severities, gravest first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Severities lists them, gravest first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

// Rank orders severities: 4 for critical down to 1 for low, 0 for anything
// else ("none" among them).
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 4
	case High:
		return 3
	case Medium:
		return 2
	case Low:
		return 1
	}
	return 0
}

// AtLeast reports whether s is as grave as threshold. Nothing is at least
// "none", or any other word that is not a severity.
func (s Severity) AtLeast(threshold Severity) bool {
	return threshold.Rank() > 0 && s.Rank() >= threshold.Rank()
}

// ParseSeverity reads a severity; "none" is given back as it is for thresholds.
func ParseSeverity(s string) (Severity, error) {
	if v := Severity(s); v.Rank() > 0 || s == "none" {
		return v, nil
	}
	return "", fmt.Errorf("%q is not a severity: use critical, high, medium, low or none", s)
}

// Rule is one security intent, whichever formats can express it, as its YAML
// file says.
type Rule struct {
	ID          string   // <area>/<kebab-case-name>
	Title       string   // a noun phrase or sentence without a full stop
	Severity    Severity //
	Profile     string   // default, strict, reliability, style: the smallest profile that has it
	Theme       string   // one of Themes
	Why         string   // one or two sentences: why it matters
	Remediation string   // one or two sentences: what to do
	References  []string // https URLs
	// Compliance names controls by standard: pss, cis-kubernetes, owasp-k8s, nsa.
	Compliance map[string][]string
	// Equivalents names the rules of other tools that mean the same, by tool.
	Equivalents map[string][]string
	// Covers names rows of the project's list of checks: K8S-POD-001.
	Covers []string
	// Over names the rules that say nothing of a setting where this one has a
	// finding that is no less grave.
	Over []string
	// Sensitive says that what the rule finds is itself a secret (a condition
	// asks secretish): its lines are never shown, not even in part.
	Sensitive bool
	Checks    []Check
	Examples  []Example
	// File and Line say where the rule is written; "" for none.
	File string
	Line int
	// Limited is set for rules that came from outside the program: they run
	// under a cost limit. Set it before the first evaluation.
	Limited bool

	// programs compile the checks on first use, one each; see Program.
	programs []func() (*Program, error)
}

// Profiles are the profiles that a rule may be in. "strict" has every rule of
// "default" too; "reliability" and "style" are added to either.
func Profiles() []string { return []string{"default", "strict", "reliability", "style"} }

// ChecksFor gives the checks that an id of another tool means; nil for all of
// them.
func (r *Rule) ChecksFor(id string) []int {
	var out []int
	for i := range r.Checks {
		if slices.Contains(r.Checks[i].Equivalents, id) {
			out = append(out, i)
		}
	}
	return out
}

// Platforms are the platforms that a check may be for.
func Platforms() []string {
	return []string{
		resource.Kubernetes, resource.Terraform, resource.Dockerfile, resource.Compose, resource.Actions, resource.CloudFormation,
		resource.NodeBootstrap,
	}
}

// Themes are the nine themes, in order; theme N of the catalogue is Themes[N-1].
func Themes() []string {
	return []string{
		"node-hosts", "iam-and-rbac", "registries", "namespaces", "privileged-containers",
		"network-isolation", "encryption-and-secrets", "audit-logging", "images-and-versions",
	}
}

// Check is how one platform can violate the rule.
type Check struct {
	Platform string
	// Kinds limits the check to kinds of resources: "Deployment",
	// "rbac.authorization.k8s.io/ClusterRole", "aws_eks_cluster". Empty: all.
	Kinds []string
	// Each is a selection that the platform offers by name (containers), or a
	// path with [*] (ingress[*]); empty: the root once.
	Each string
	// Links are the kinds of resources beside its own that the condition looks
	// at with linked(kind), spelt as in Kinds. A change of one of them has the
	// check evaluated again for resources that did not change.
	Links []string
	// Equivalents are those ids of the rule's equivalents, of whatever tool, that
	// mean this check and others that name them alone. One that no check names means
	// all of the rule.
	Equivalents []string
	// Fail is CEL; true means violation. It sees `it` (what Each selected),
	// `object` (the resource's root), `resource` (id, kind, name, namespace …)
	// and what the selection adds (`pod` for containers).
	Fail string
	// At is the path of the setting, relative to `it`. It may be missing.
	At string
	// Message has {{ CEL }} in it; the value of each is put in.
	Message string
	// Write is a block of text in Language that shows what to write where no fix
	// can, with {{ CEL }} in it; "" for none.
	Write string
	Fix   *FixSpec
	Line  int // of the check in Rule.File; 0 for none

	failAt, messageAt exprPlace
}

// Beside gives the kinds of resources that the check looks at beside its own:
// its Links, and those that what it selects is joined with.
func (c *Check) Beside() []string {
	if c.Each != "grants" {
		return c.Links
	}
	joined := iam.LinksOf(c.Kinds)
	if len(c.Links) == 0 {
		return joined
	}
	return slices.Concat(c.Links, joined)
}

// FixSpec says how to mend one violation. Paths are relative to `it`.
type FixSpec struct {
	Title  string // imperative; made from the operations when empty
	Set    []Setting
	Delete []string // a string that is one {{ CEL }} gives the path for each item
	// Append adds items to the lists at the paths, making them where missing.
	Append []Setting
	// Beside puts the block that the check shows behind the resource, as one of
	// its own. There are no other operations then.
	Beside bool
	// Review is a sentence on what to check before applying; "" when the fix
	// cannot break what works today.
	Review string
}

// Setting is one path and the value it is to have: nil, bool, int64, float64 or
// string; a string that is one {{ CEL }} is filled in for each item; a list or a map is a *yaml.Node, which keeps the order it was
// written in and has no aliases.
type Setting struct {
	Path  string
	Value any
}

// Example shows a violation, its mended form, or something that passes.
type Example struct {
	Platform          string // needed where the rule has checks for several platforms
	Format            string // what it is written in, where that has not the platform's name
	File              string // file name, where it matters
	Line              int    // of the example in Rule.File; 0 for none
	Fail, Fixed, Pass string
}
