package engine

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Suppressions that were written for other tools of the field count for the
// rules that mean the same: those whose equivalents name the tool's id. The
// forms are those of the tools' own documentation.

// Names of the tools as equivalents spell them, and as people know them.
const (
	toolCheckov    = "checkov"
	toolTrivy      = "trivy"
	toolKICS       = "kics"
	toolKubeLinter = "kube-linter"
	toolKubeScore  = "kube-score"
	toolPolaris    = "polaris"
	toolHadolint   = "hadolint"
	toolTfsec      = "tfsec"
)

// scope says how far a suppression reaches.
type scope uint8

const (
	scopeLine     scope = iota // its line or the one below it; the whole resource where that is its first
	scopeBlock                 // what begins there, too
	scopeResource              // all of the resource
	scopeFile                  // all of the file
)

var (
	checkovSkip  = regexp.MustCompile(`(?:checkov|bridgecrew|cortex):skip=([A-Za-z0-9_,]+)(?::[ \t]*([^\n]*))?`)
	trivyIgnore  = regexp.MustCompile(`(trivy|tfsec):ignore:([A-Za-z0-9_*-]+)((?::[A-Za-z0-9_*-]+)*)`)
	kicsComment  = regexp.MustCompile(`kics-scan[ \t]+(ignore-line|ignore-block|ignore|disable=([A-Za-z0-9,-]+))`)
	hadolintSkip = regexp.MustCompile(`hadolint[ \t]+(global[ \t]+)?ignore=([A-Z0-9, ]+)`)
	foreignNote  = regexp.MustCompile(`^(checkov|bridgecrew)\.io/skip|kube-linter\.io/|^kube-score/|^polaris\.fairwinds\.com/`)
	foreignHint  = regexp.MustCompile(`(?:checkov|bridgecrew|cortex):skip=|(?:trivy|tfsec):ignore:|kics-scan[ \t]|hadolint[ \t]`)
)

// equivalents finds our rules by the ids of other tools.
type equivalents map[string]map[string][]counterpart

// counterpart is a rule that means what an id of another tool does, or those of its
// checks that do.
type counterpart struct {
	rule   string
	checks []int // nil: all
}

func newEquivalents(rules []rule.Active) equivalents {
	out := equivalents{}
	for _, a := range rules {
		for tool, ids := range a.Rule.Equivalents {
			byID := out[tool]
			if byID == nil {
				byID = map[string][]counterpart{}
				out[tool] = byID
			}
			for _, id := range ids {
				key := foreignKey(tool, id)
				byID[key] = append(byID[key], counterpart{a.Rule.ID, a.Rule.ChecksFor(id)})
			}
		}
	}
	return out
}

// foreignKey writes an id the one way it is compared in: AVD-KSV-0017, KSV017
// and KSV-0017 are one; kube-score's names and their slugs are one.
func foreignKey(tool, id string) string {
	id = strings.ToLower(strings.TrimSpace(id))
	switch tool {
	case toolTrivy:
		id = strings.TrimPrefix(id, "avd-")
		i := strings.IndexAny(id, "0123456789")
		if i > 0 && strings.Trim(id[i:], "0123456789") == "" {
			n, err := strconv.Atoi(id[i:])
			if err == nil {
				return strings.TrimSuffix(id[:i], "-") + "-" + strconv.Itoa(n)
			}
		}
		if known, ok := tfsecNames[id]; ok {
			return known
		}
	case toolKubeScore:
		return strings.Join(strings.FieldsFunc(id, func(r rune) bool { return r == ' ' || r == '-' || r == '_' }), "-")
	}
	return id
}

// hinted reports whether a resource may hold a suppression for another tool: most
// hold none, and the index of equivalents is then never made.
func hinted(res *resource.Resource) bool {
	for _, c := range res.Comments {
		if foreignHint.MatchString(c.Text) {
			return true
		}
	}
	switch res.Platform {
	case resource.Kubernetes:
		if notes := res.Root.Path("metadata", "annotations"); notes != nil {
			return slices.ContainsFunc(notes.Fields, func(f resource.Field) bool { return foreignNote.MatchString(f.Name) })
		}
	case resource.CloudFormation:
		return res.Root.Path("Metadata", "checkov") != nil
	}
	return false
}

// foreign reads the suppressions for other tools that stand in a resource. index
// gives what our rules are called there; nil for a run in which they don't count.
func foreign(res *resource.Resource, index func() equivalents, today string) []directive {
	if res == nil || index == nil || !hinted(res) {
		return nil
	}
	eq := index()
	var out []directive
	add := func(d directive, tool string, ids []string) {
		if len(out) == maxDirectives {
			return
		}
		for _, id := range ids {
			if id = strings.TrimSpace(id); id == "*" {
				for _, all := range eq[tool] {
					for _, c := range all {
						d.add(counterpart{rule: c.rule})
					}
				}
				continue
			}
			for _, c := range eq[tool][foreignKey(tool, id)] {
				d.add(c)
			}
		}
		if len(d.rules) == 0 {
			return
		}
		slices.Sort(d.rules)
		d.rules = slices.Compact(d.rules)
		if d.tool == "" {
			d.tool = tool
		}
		if expired(d.until, today) {
			d.wrong = "ran out on " + d.until + "; mend what it covers, or give a later date"
		}
		if d.reason = cutText(strings.TrimSpace(d.reason), maxReason); d.reason == "" {
			d.reason = "no reason given"
		}
		out = append(out, d)
	}
	for _, c := range res.Comments {
		if !foreignHint.MatchString(c.Text) {
			continue
		}
		line := 0
		for text := range strings.Lines(c.Text) {
			d := directive{place: c.Range}
			if line > 0 {
				d.place.Start = source.Pos{Line: c.Range.Start.Line + line, Column: 1, Byte: c.Range.Start.Byte}
			}
			foreignLine(strings.TrimRight(text, "\r\n"), d, add)
			line++
		}
	}
	foreignAnnotations(res, add)
	foreignMetadata(res, add)
	return out
}

func foreignLine(text string, d directive, add func(directive, string, []string)) {
	for _, m := range checkovSkip.FindAllStringSubmatch(text, 8) {
		d := d
		d.scope, d.reason = scopeResource, m[2]
		add(d, toolCheckov, strings.Split(m[1], ","))
	}
	for _, m := range trivyIgnore.FindAllStringSubmatch(text, 16) {
		d := d
		d.scope = scopeBlock
		if m[1] == toolTfsec {
			d.tool = toolTfsec // Trivy goes on with its checks: they are looked up as Trivy's
		}
		if _, date, ok := strings.Cut(m[3], "exp:"); ok {
			d.until, _, _ = strings.Cut(date, ":")
			if _, err := time.Parse(time.DateOnly, d.until); err != nil {
				continue
			}
		}
		add(d, toolTrivy, []string{m[2]})
	}
	if m := kicsComment.FindStringSubmatch(text); m != nil {
		ids := []string{"*"}
		switch {
		case m[1] == "ignore-line":
			d.scope = scopeLine
		case m[1] == "ignore-block":
			d.scope = scopeBlock
		case m[1] == "ignore":
			d.scope = scopeFile
		default:
			d.scope, ids = scopeFile, strings.Split(m[2], ",")
		}
		add(d, toolKICS, ids)
	}
	if m := hadolintSkip.FindStringSubmatch(text); m != nil {
		d.scope = scopeLine
		if m[1] != "" {
			d.scope = scopeFile
		}
		add(d, toolHadolint, strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' }))
	}
}

// foreignAnnotations reads those that stand in a Kubernetes object's annotations.
func foreignAnnotations(res *resource.Resource, add func(directive, string, []string)) {
	notes := res.Root.Path("metadata", "annotations")
	if res.Platform != resource.Kubernetes || notes == nil {
		return
	}
	for _, f := range notes.Fields {
		value := f.Node.Str()
		d := directive{place: f.Node.KeyRange, scope: scopeResource}
		if d.place.IsZero() {
			d.place = f.Node.Range
		}
		yes := value == "true" || f.Node != nil && f.Node.Value == true
		switch name := f.Name; {
		case strings.HasPrefix(name, "checkov.io/skip"), strings.HasPrefix(name, "bridgecrew.io/skip"):
			id, reason, _ := strings.Cut(value, "=")
			d.reason = reason
			add(d, toolCheckov, []string{id})
		case strings.HasPrefix(name, "ignore-check.kube-linter.io/"):
			d.reason = value
			add(d, toolKubeLinter, []string{strings.TrimPrefix(name, "ignore-check.kube-linter.io/")})
		case name == "kube-linter.io/ignore-all":
			d.reason = value
			add(d, toolKubeLinter, []string{"*"})
		case name == "kube-score/ignore":
			add(d, toolKubeScore, strings.Split(value, ","))
		case name == "polaris.fairwinds.com/exempt" && yes:
			add(d, toolPolaris, []string{"*"})
		case strings.HasPrefix(name, "polaris.fairwinds.com/") && strings.HasSuffix(name, "-exempt") && yes:
			add(d, toolPolaris, []string{strings.TrimSuffix(strings.TrimPrefix(name, "polaris.fairwinds.com/"), "-exempt")})
		}
	}
}

// foreignMetadata reads Checkov's list in the metadata of a CloudFormation resource.
func foreignMetadata(res *resource.Resource, add func(directive, string, []string)) {
	if res.Platform != resource.CloudFormation {
		return
	}
	skip := res.Root.Path("Metadata", "checkov", "skip")
	if skip == nil {
		return
	}
	for _, it := range skip.Items {
		add(directive{place: it.Range, scope: scopeResource, reason: it.Get("comment").Str()}, toolCheckov, []string{it.Get("id").Str()})
	}
}

// lastLine gives the last line of what begins on a line of a file of the resource.
func lastLine(res *resource.Resource, file string, line int) int {
	last := line
	resource.Walk(res.Root, func(_ resource.Path, n *resource.Node) bool {
		if n.Range.File == file && (n.Range.Start.Line == line || n.KeyRange.Start.Line == line && n.KeyRange.File == n.Range.File) {
			last = max(last, n.Range.LastLine())
		}
		return true
	})
	return last
}
