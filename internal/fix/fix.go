// Package fix turns a rule's fix operations into edits of the source and proves
// them: the edits are applied in memory, the unit is read and evaluated again,
// and the fix counts only if its finding is gone and no other came.
package fix

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Fix is a proven change to the source that clears a finding.
type Fix struct {
	Title string // imperative, one line: "Set privileged to false"
	// Edits are minimal byte edits against the files as they were read; they
	// do not overlap and may lie in several files.
	Edits    []source.Edit
	Verified bool
	// Review is a sentence on what to check before applying; "" when the fix
	// cannot break what works today.
	Review string
}

// ErrNoFix is wrapped by Propose where the rule has no fix for the finding at
// all, in contrast to a fix that cannot be made here.
var ErrNoFix = errors.New("the rule has no fix")

// Files gives a file as it was read, or nil when there is none.
type Files func(path string) *source.File

// Propose gives the edits that carry out the fix of the finding's check. The
// edits do not overlap, and touch only what the operations name; they are in
// the resource's file alone, or where a value is decided elsewhere (another file
// that the resource was put together of, a variable, a module's call) there. An
// error says why it cannot be done exactly; nothing is proven yet.
func Propose(f engine.Finding, files Files) ([]source.Edit, error) {
	edits, _, err := propose(f, files, nil)
	if err != nil {
		return nil, err
	}
	res := f.Resource.AsWritten()
	content, err := applyAll(nil, edits, files)
	if err != nil {
		return nil, err
	}
	for name, after := range content {
		if err := sound(files(name), after, res, adding(f)); err != nil {
			return nil, err
		}
	}
	return edits, nil
}

// propose is Propose without reading what came out; the proof reads it anyway.
// far names what is changed where a value is mended at the place that it comes
// from, on which others may hang; there the finding's twins are mended as well.
// Where a place of the source makes several items, it is edited if all of them are
// found wrong; among has the findings of the unit.
func propose(f engine.Finding, files Files, among []engine.Finding) (edits []source.Edit, far []string, err error) {
	edits, far, err = proposeOne(f, files, among)
	values := f.Resource != nil && f.Resource.Format == resource.Helm // each environment may have its own
	if err != nil || len(far) == 0 && !values {
		return edits, nil, err
	}
	if f.MoreTwins && !values {
		return nil, nil, errors.New("the values of too many instances decide")
	}
	all := slices.Clip(edits)
	for _, t := range f.Twins {
		more, _, err := proposeOne(t, files, among)
		switch {
		case err == nil:
			all = append(all, more...)
		case values:
			return edits, nil, nil // one environment is better than none
		default:
			return nil, nil, err
		}
	}
	return distinct(all), far, nil
}

func proposeOne(f engine.Finding, files Files, among []engine.Finding) (edits []source.Edit, far []string, err error) {
	spec := specOf(f)
	if spec == nil {
		return nil, nil, ErrNoFix
	}
	res := f.Resource
	if res == nil || res.Root == nil || res.Range.IsZero() {
		return nil, nil, errors.New("the place of the resource is not known")
	}
	if spec.Beside {
		edits, err = proposeBeside(f, files)
		return edits, nil, err
	}
	if f.Rule.Checks[f.Check].Each == flagsOf {
		if res.Written != nil {
			return nil, nil, errors.New("the flags are written in another form, in which they are not edited")
		}
		file := files(res.Range.File)
		if file == nil {
			return nil, nil, fmt.Errorf("%s cannot be read", res.Range.File)
		}
		edits, err = proposeFlags(file, f, spec)
		return edits, nil, err
	}
	item, taken := f.Item.At(res.Root)
	if taken != len(f.Item) {
		return nil, nil, errors.New("the place lies within a document that is embedded in a value")
	}
	p, err := plan(spec, item)
	if err != nil {
		return nil, nil, err
	}
	if res.Format == resource.Compose {
		if p, err = shortForm(f.Item, item, p); err != nil {
			return nil, nil, err
		}
	}
	// The operations hang below the item; the writers start at the root.
	top := p
	for i := len(f.Item) - 1; i >= 0; i-- {
		top = &patch{kids: []kid{{f.Item[i], top}}}
	}
	for w := res.Written; w != nil; w = res.Written {
		if top, err = top.translate(res.Root, w); err != nil {
			return nil, nil, err
		}
		res = w.Resource
	}
	if res.Format == resource.TerraformPlan {
		return nil, nil, errors.New("a plan is made, not written")
	}
	file := files(res.Range.File)
	if file == nil {
		return nil, nil, fmt.Errorf("%s cannot be read", res.Range.File)
	}
	elsewhere := false
	switch {
	case (res.Format == resource.Dockerfile || res.Format == resource.NodeBootstrap) && inCommand(f.Item):
		if other := files(item.Range.File); other != nil {
			file = other // a script that the resource names
		}
		edits, err = proposeCommand(file, res, f.Item, item, p)
		if err == nil && len(edits) == 0 {
			edits, err = proposeLetters(file, item, spec)
		}
	case res.Format == resource.NodeBootstrap && strings.HasSuffix(res.Range.File, ".hcl"):
		edits, elsewhere, err = proposeHCL(file, files, res, top, func() map[*resource.Node]bool { return likewise(f, among) })
	case res.Format == resource.Helm:
		edits, err = proposeRendered(res, top, files)
	case res.Format == resource.Dockerfile:
		edits, err = proposeDockerfile(file, res, f.Item, item, p)
	case res.Format == resource.Terraform && !isJSON(res.Range.File):
		edits, elsewhere, err = proposeHCL(file, files, res, top, func() map[*resource.Node]bool { return likewise(f, among) })
	case res.Format == resource.Terraform:
		edits, err = proposeTFJSON(file, res, top)
	case isHCL(file.Path):
		edits, err = proposeWithin(file, res, top)
	case strings.HasPrefix(res.Source.Unit, resource.Helm+":"):
		// A kustomization renders the chart, and may lay more over that.
		edits, err = proposeBuilt(files, res, top)
		inTemplate := func(e source.Edit) bool {
			f := files(e.Range.File)
			return f == nil || strings.Contains(string(f.Data), "{{")
		}
		if err != nil || slices.ContainsFunc(edits, inTemplate) {
			edits, err = proposeRendered(res, top, files)
		}
	case res.Source != (resource.Identity{}):
		edits, err = proposeBuilt(files, res, top)
	case res.Format == resource.CloudFormation:
		edits, elsewhere, err = proposeTemplate(file, files, res, top)
	default:
		edits, err = proposeYAML(file, res, top)
	}
	if err != nil {
		return nil, nil, err
	}
	if res.Format != f.Resource.Format && filledIn(file, edits) {
		return nil, nil, errors.New("the value is filled in by a template")
	}
	if len(edits) == 0 {
		return nil, nil, errors.New("the source already says what the fix would write")
	}
	for _, e := range edits {
		if strings.Contains("/"+e.Range.File, "/.terraform/") {
			return nil, nil, fmt.Errorf("%s was installed; the next terraform init writes it anew", e.Range.File)
		}
	}
	if elsewhere {
		far = names(top)
	}
	return edits, far, nil
}

// likewise gives the items of a finding's resource that its check finds wrong and
// its fix mends in the same way.
func likewise(f engine.Finding, among []engine.Finding) map[*resource.Node]bool {
	out := map[*resource.Node]bool{}
	for _, g := range among {
		if g.Rule != f.Rule || g.Check != f.Check || g.Resource != f.Resource || !reflect.DeepEqual(specOf(g), specOf(f)) {
			continue
		}
		if item, taken := g.Item.At(g.Resource.Root); taken == len(g.Item) {
			out[item] = true
		}
	}
	return out
}

// specOf gives the operations that mend a finding, or nil.
func specOf(f engine.Finding) *rule.FixSpec {
	if f.FixSpec != nil || f.Rule == nil || f.Check < 0 || f.Check >= len(f.Rule.Checks) {
		return f.FixSpec
	}
	if spec := f.Rule.Checks[f.Check].Fix; spec != nil && !spec.Open() {
		return spec
	}
	return nil
}

// Title says in one line what the fix of a finding does.
func Title(f engine.Finding) string {
	spec := specOf(f)
	if spec == nil {
		return ""
	}
	if spec.Title != "" {
		return spec.Title
	}
	var parts []string
	for _, s := range spec.Set {
		if v, err := toValue(s.Value); err == nil {
			parts = append(parts, "set "+last(s.Path)+" to "+plain(v))
		}
	}
	for _, s := range spec.Append {
		if v, err := toValue(s.Value); err == nil {
			parts = append(parts, "add "+plain(v)+" to "+last(s.Path))
		}
	}
	if n := len(spec.Delete); n > 0 {
		s := "remove " + last(spec.Delete[0])
		if n > 1 {
			s += fmt.Sprintf(" and %d more", n-1)
		}
		parts = append(parts, s)
	}
	s := strings.Join(parts, ", ")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func plain(v value) string {
	if v.kind == resource.String {
		return v.scalar.(string)
	}
	return v.jsonText()
}

// last is the last name of a path, as people speak of the setting.
func last(p string) string {
	steps, err := parsePath(p)
	if err != nil {
		return p
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].kind == byName {
			return steps[i].name
		}
	}
	return "the item"
}

func isHCL(file string) bool {
	return strings.HasSuffix(file, ".tf") || strings.HasSuffix(file, ".tofu")
}

func isJSON(file string) bool { return strings.EqualFold(path.Ext(file), ".json") }
