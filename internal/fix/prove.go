package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Evaluator reads a unit again with the contents of some files replaced and
// judges what it then has. It fails where an overlaid file no longer reads, and
// where a resource would be missing or there twice.
type Evaluator interface {
	Evaluate(ctx context.Context, unit string, overlay map[string][]byte) (Evaluation, error)
}

// Evaluation is what an Evaluator saw.
type Evaluation struct {
	// Findings has all of them, suppressed ones too. Those of files that were not
	// overlaid may be left out where these files cannot bear on the overlaid ones.
	Findings []engine.Finding
	// Added counts the resources that were not there before the overlay.
	Added int
	// Resources are what was read, for fixes that edit what other settings may
	// hang on.
	Resources []*resource.Resource
}

// ErrUnproven is wrapped by Prove where the edits do not do what they should.
var ErrUnproven = errors.New("the fix could not be proven")

// Prove carries out edits in memory, evaluates the finding's unit again and
// gives the fix if the finding is gone, no finding came that is not in before,
// but for a less grave one at the same setting, and nothing went that belongs to another resource. before holds the findings
// of the unit as it is, at least those of the edited files.
func Prove(ctx context.Context, ev Evaluator, f engine.Finding, before []engine.Finding, edits []source.Edit, files Files) (*Fix, error) {
	if len(edits) == 0 {
		return nil, fmt.Errorf("%w: there is no edit", ErrUnproven)
	}
	overlay, err := applyAll(nil, edits, files)
	if err != nil {
		return nil, err
	}
	after, err := ev.Evaluate(ctx, f.Resource.Unit, overlay)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	if err := judge([]engine.Finding{f}, Evaluation{Findings: before}, after, overlay); err != nil {
		return nil, err
	}
	return made(f, edits), nil
}

func made(f engine.Finding, edits []source.Edit) *Fix {
	out := &Fix{Title: Title(f), Edits: edits, Verified: true}
	if spec := specOf(f); spec != nil {
		out.Review = spec.Review
	}
	return out
}

// applyAll gives the content of every edited file, over the contents in onto.
// onto is not changed.
func applyAll(onto map[string][]byte, edits []source.Edit, files Files) (map[string][]byte, error) {
	out := make(map[string][]byte, len(onto)+1)
	for k, v := range onto {
		out[k] = v
	}
	byFile := map[string][]source.Edit{}
	for _, e := range edits {
		byFile[e.Range.File] = append(byFile[e.Range.File], e)
	}
	for path, es := range byFile {
		data, ok := out[path]
		if !ok {
			f := files(path)
			if f == nil {
				return nil, fmt.Errorf("%s cannot be read", path)
			}
			data = f.Data
		}
		after, err := source.Apply(data, es)
		if err != nil {
			return nil, err
		}
		out[path] = after
	}
	return out, nil
}

// judge says whether after is before without the mended findings.
func judge(mended []engine.Finding, was, is Evaluation, overlay map[string][]byte) error {
	before, after, adds := was.Findings, is.Findings, slices.ContainsFunc(mended, adding)
	if n := is.Added - was.Added; n < 0 || adds != (n > 0) {
		return fmt.Errorf("%w: it would add %d resources", ErrUnproven, n)
	}
	had := make(map[string]bool, len(before))
	for _, b := range before {
		had[b.Fingerprint] = true
	}
	kept := renamedFindings(mended, before)
	has := make(map[string]bool, len(after))
	counts := map[place]int{}
	for _, a := range after {
		switch r := renamedOf(a); {
		case had[a.Fingerprint] || lesser(a, mended):
		case kept[r] > 0:
			kept[r]--
		default:
			return fmt.Errorf("%w: it would bring %s on %s", ErrUnproven, a.Rule.ID, a.Resource.ID)
		}
		has[a.Fingerprint] = true
		counts[placeOf(a)]++
	}
	// Findings on items without a name are numbered; with one of several gone
	// its number goes to the next, so what is counted is the place.
	want := map[place]int{}
	for _, b := range before {
		want[placeOf(b)]++
	}
	blocks := map[block]bool{}
	less := map[place]bool{}
	for _, m := range mended {
		blocks[blockOf(m)] = true
		p := placeOf(m)
		want[p]--
		less[p] = true
	}
	for _, m := range mended {
		if p := placeOf(m); has[m.Fingerprint] && counts[p] > want[p] {
			return fmt.Errorf("%w: %s is still there", ErrUnproven, m.Rule.ID)
		}
	}
	for _, b := range before {
		if has[b.Fingerprint] || overlay[b.Resource.Range.File] == nil || less[placeOf(b)] {
			continue
		}
		// Another finding of an edited block may be mended on the way; one of
		// another block says that the edit reached too far, unless what was added
		// is what that one lacked too.
		if !adds && !blocks[blockOf(b)] {
			return fmt.Errorf("%w: %s on %s would go too", ErrUnproven, b.Rule.ID, b.Resource.ID)
		}
	}
	return nil
}

// renamed names a finding without the API version of its resource, which is
// part of the resource's ID: an edit of the version changes the fingerprint of
// every finding there, and brings none.
type renamed struct{ rule, unit, kind, namespace, name, file, path string }

func renamedOf(f engine.Finding) renamed {
	r := renamed{
		unit: f.Resource.Unit, kind: f.Resource.Kind, namespace: f.Resource.Namespace, name: f.Resource.Name,
		file: f.Resource.Range.File, path: f.Path.Stable(f.Resource.Root),
	}
	if f.Rule != nil {
		r.rule = f.Rule.ID
	}
	return r
}

// renamedFindings counts the findings that may come back under another API
// version: those of the blocks whose version is mended, but for the mended
// ones.
func renamedFindings(mended, before []engine.Finding) map[renamed]int {
	blocks := map[block]bool{}
	gone := map[string]bool{}
	for _, m := range mended {
		gone[m.Fingerprint] = true
		if m.Resource.Platform == resource.Kubernetes && m.Path.String() == "apiVersion" {
			blocks[blockOf(m)] = true
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	out := map[renamed]int{}
	for _, b := range before {
		if blocks[blockOf(b)] && !gone[b.Fingerprint] {
			out[renamedOf(b)]++
		}
	}
	return out
}

// lesser reports whether a finding is what a graver one at the same setting
// hid: rules yield to the gravest that can be said of a setting.
func lesser(a engine.Finding, mended []engine.Finding) bool {
	at := placeOf(a)
	for _, m := range mended {
		p := placeOf(m)
		if p.resource == at.resource && p.path == at.path &&
			(a.Severity.Rank() < m.Severity.Rank() || a.Rule != nil && m.Rule != nil && slices.Contains(m.Rule.Over, a.Rule.ID)) {
			return true
		}
	}
	return false
}

// adding reports whether the fix of a finding adds a resource.
func adding(f engine.Finding) bool {
	spec := specOf(f)
	return spec != nil && spec.Beside && !addsNothing(f)
}

type block struct {
	file  string
	start int
}

type place struct{ rule, resource, path string }

func placeOf(f engine.Finding) place {
	p := place{resource: f.Resource.Unit + "\x00" + f.Resource.ID}
	if f.Rule != nil {
		p.rule = f.Rule.ID
	}
	p.path = f.Path.Stable(f.Resource.Root)
	return p
}

// blockOf is the place of the source that a finding's resource was read from;
// the instances of one block with count share it.
func blockOf(f engine.Finding) block {
	return block{f.Resource.Range.File, f.Resource.Range.Start.Byte}
}
