package fix

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxSingles bounds, for each unit, how many fixes are proven one by one after
// a batch of them could not be proven together.
const maxSingles = 200

// maxRounds bounds how often ApplyAll and Combine look again for what can be
// mended; each round mends something, and overlapping fixes take one each.
const maxRounds = 24

// candidate is a finding with the edits that should mend it.
type candidate struct {
	f     engine.Finding
	edits []source.Edit
	far   []string // settings that are edited where their values come from
}

// All gives the proven fixes of the findings, by fingerprint. Findings whose
// fix cannot be made or proven are left out. Fixes that do not touch each other
// are proven together, so the cost is a few evaluations a unit. The error is
// the context's alone.
func All(ctx context.Context, ev Evaluator, findings []engine.Finding, files Files) (map[string]*Fix, error) {
	out := map[string]*Fix{}
	for _, group := range byUnit(findings) {
		var cands []candidate
		touched := map[string][]byte{}
		for _, f := range group {
			if err := ctx.Err(); err != nil {
				return out, err
			}
			edits, far, err := propose(f, files, group)
			if err != nil {
				continue
			}
			cands = append(cands, candidate{f, edits, far})
			for _, e := range edits {
				touched[e.Range.File] = files(e.Range.File).Data
			}
		}
		if len(cands) == 0 {
			continue
		}
		now, err := ev.Evaluate(ctx, group[0].Resource.Unit, touched)
		if err != nil {
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			continue
		}
		p := &prover{ctx: ctx, ev: ev, files: files, unit: group[0].Resource.Unit, before: now, content: touched, singles: maxSingles}
		for _, batch := range apart(cands) {
			p.batch(batch, func(c candidate) { out[c.f.Fingerprint] = made(c.f, c.edits) })
			if err := ctx.Err(); err != nil {
				return out, err
			}
		}
	}
	return out, ctx.Err()
}

// prover proves candidates of one unit against one state of its files.
type prover struct {
	ctx     context.Context
	ev      Evaluator
	files   Files
	unit    string
	before  Evaluation
	content map[string][]byte // of every file that a candidate edits
	singles int
}

// try evaluates the unit with the edits of the candidates; the overlay and the
// findings come back where they all hold.
func (p *prover) try(cands []candidate) (overlay map[string][]byte, after Evaluation, err error) {
	var edits []source.Edit
	var mended []engine.Finding
	for _, c := range cands {
		mended = append(mended, c.f)
		edits = append(edits, c.edits...)
	}
	if overlay, err = applyAll(p.content, distinct(edits), p.files); err != nil {
		return nil, after, err
	}
	if after, err = p.ev.Evaluate(p.ctx, p.unit, overlay); err != nil {
		return nil, after, err
	}
	if err := judge(mended, p.before, after, overlay); err != nil {
		return nil, after, err
	}
	if slices.ContainsFunc(cands, func(c candidate) bool { return len(c.far) > 0 }) {
		if err := aside(cands, p.before.Resources, after.Resources); err != nil {
			return nil, after, fmt.Errorf("%w: %w", ErrUnproven, err)
		}
	}
	return overlay, after, nil
}

// batch proves candidates that do not touch each other: all at once, and where
// that fails by halves, down to single ones while the budget lasts.
func (p *prover) batch(cands []candidate, proven func(candidate)) {
	if len(cands) == 0 || p.ctx.Err() != nil || p.singles < 0 {
		return
	}
	if _, _, err := p.try(cands); err == nil {
		for _, c := range cands {
			proven(c)
		}
		return
	}
	p.singles--
	if len(cands) == 1 {
		return
	}
	half := halve(cands)
	p.batch(cands[:half], proven)
	p.batch(cands[half:], proven)
}

// halve puts candidates with the same edits beside each other, since one edit
// mends them all, and says where to part them.
func halve(cands []candidate) int {
	keys := make(map[string]int, len(cands))
	order := func(c candidate) int {
		k := keyOf(c.edits)
		if _, ok := keys[k]; !ok {
			keys[k] = len(keys)
		}
		return keys[k]
	}
	for _, c := range cands {
		order(c)
	}
	half := len(cands) / 2
	if len(keys) == 1 || len(keys) == len(cands) {
		return half
	}
	slices.SortStableFunc(cands, func(a, b candidate) int { return order(a) - order(b) })
	for at := half; at < len(cands); at++ {
		if order(cands[at]) != order(cands[at-1]) {
			return at
		}
	}
	for at := half; ; at-- {
		if order(cands[at]) != order(cands[at-1]) {
			return at
		}
	}
}

// joined adds an edit of f. What is written in front of bytes that go becomes one
// edit with them, since two that begin at one place have no order.
func joined(edits []source.Edit, f *source.File, start, end int, text string) []source.Edit {
	for i := range edits {
		e := &edits[i]
		if e.Range.Start.Byte != start || (e.Range.Len() == 0) == (start == end) {
			continue
		}
		if start == end {
			e.New = text + e.New
		} else {
			e.Range, e.New = f.Range(start, end), e.New+text
		}
		return edits
	}
	return append(edits, source.Edit{Range: f.Range(start, end), New: text})
}

// distinct drops repeats: instances of one block ask for the same edits.
func distinct(edits []source.Edit) []source.Edit {
	seen := make(map[source.Edit]bool, len(edits))
	out := edits[:0:0]
	for _, e := range edits {
		if !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	return out
}

// apart puts candidates into as few groups as it easily can, so that no two
// different ones of a group touch. Candidates with the same edits share a group;
// those that add a resource, and those that edit what other settings may hang on,
// share none with the others, which are proven by other rules.
func apart(cands []candidate) [][]candidate {
	type group struct {
		cands []candidate
		adds  bool
		far   bool
		spans map[string][]span // of each file
	}
	var groups []*group
	known := map[string]int{}
	for _, c := range cands {
		key := keyOf(c.edits)
		if i, ok := known[key]; ok {
			groups[i].cands = append(groups[i].cands, c)
			continue
		}
		at, adds := -1, adding(c.f)
		for i, g := range groups {
			if g.adds == adds && g.far == (len(c.far) > 0) && !touches(g.spans, c.edits) {
				at = i
				break
			}
		}
		if at < 0 {
			groups = append(groups, &group{adds: adds, far: len(c.far) > 0, spans: map[string][]span{}})
			at = len(groups) - 1
		}
		g := groups[at]
		g.cands = append(g.cands, c)
		for _, e := range c.edits {
			g.spans[e.Range.File] = append(g.spans[e.Range.File], span{start: e.Range.Start.Byte, end: e.Range.End.Byte})
		}
		known[key] = at
	}
	out := make([][]candidate, len(groups))
	for i, g := range groups {
		out[i] = g.cands
	}
	return out
}

func keyOf(edits []source.Edit) string {
	s := ""
	for _, e := range edits {
		s += e.Range.File + "\x00" + strconv.Itoa(e.Range.Start.Byte) + "\x00" + strconv.Itoa(e.Range.End.Byte) + "\x00" + e.New + "\x00"
	}
	return s
}

// touches reports whether an edit meets one of the spans, ends included.
func touches(spans map[string][]span, edits []source.Edit) bool {
	for _, e := range edits {
		for _, s := range spans[e.Range.File] {
			if e.Range.Start.Byte <= s.end && s.start <= e.Range.End.Byte {
				return true
			}
		}
	}
	return false
}

func byUnit(findings []engine.Finding) [][]engine.Finding {
	index := map[string]int{}
	var out [][]engine.Finding
	for _, f := range findings {
		if f.Resource == nil {
			continue
		}
		i, ok := index[f.Resource.Unit]
		if !ok {
			i = len(out)
			index[f.Resource.Unit] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], f)
	}
	return out
}

// ApplyAll mends what can be mended of the findings, one round after the other
// with the unit read again in between, since a fix moves what stands below it.
// It gives the new content of every changed file and the fingerprints of the
// findings that are gone. The error is the context's alone.
func ApplyAll(ctx context.Context, ev Evaluator, findings []engine.Finding, files Files) (map[string][]byte, []string, error) {
	content := map[string][]byte{}
	var applied []string
	for _, group := range byUnit(findings) {
		done, err := mend(ctx, ev, group, files, content)
		applied = append(applied, done...)
		if err != nil {
			return nil, nil, err
		}
	}
	for path, data := range content {
		if f := files(path); f != nil && string(f.Data) == string(data) {
			delete(content, path)
		}
	}
	return content, applied, nil
}

// mend carries out the fixes of one unit's findings on content, which holds the
// files that were changed so far.
func mend(ctx context.Context, ev Evaluator, group []engine.Finding, files Files, content map[string][]byte) ([]string, error) {
	unit := group[0].Resource.Unit
	wanted := map[string]bool{}
	local := map[string][]byte{}
	for _, f := range group {
		wanted[f.Fingerprint] = true
		if path := f.Resource.Range.File; local[path] == nil {
			if data, ok := content[path]; ok {
				local[path] = data
			} else if file := files(path); file != nil {
				local[path] = file.Data
			}
		}
	}
	current, err := ev.Evaluate(ctx, unit, local)
	if err != nil {
		return nil, ctx.Err()
	}
	refused := map[string]bool{}
	var applied []string
	for range maxRounds {
		at := indexed(local, files)
		var cands []candidate
		for _, f := range current.Findings {
			if !wanted[f.Fingerprint] || refused[f.Fingerprint] {
				continue
			}
			edits, far, err := propose(f, at, current.Findings)
			if err != nil {
				continue // another fix may make room for it
			}
			cands = append(cands, candidate{f, edits, far})
		}
		groups := apart(cands)
		if len(groups) == 0 {
			break
		}
		p := &prover{ctx: ctx, ev: ev, files: at, unit: unit, before: current, content: local, singles: maxSingles}
		overlay, after, err := p.try(groups[0])
		if err != nil {
			var good []candidate
			p.batch(groups[0], func(c candidate) { good = append(good, c) })
			for _, c := range groups[0] {
				refused[c.f.Fingerprint] = true
			}
			for _, c := range good {
				delete(refused, c.f.Fingerprint)
			}
			// What holds one by one may not hold together: then the first alone.
			if overlay, after, err = p.try(good); err != nil && len(good) > 1 {
				overlay, after, err = p.try(good[:1])
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || len(overlay) == 0 {
			continue
		}
		left := map[string]bool{}
		for _, f := range after.Findings {
			left[f.Fingerprint] = true
		}
		for _, f := range current.Findings {
			if wanted[f.Fingerprint] && !left[f.Fingerprint] {
				applied = append(applied, f.Fingerprint)
				delete(wanted, f.Fingerprint)
			}
		}
		local, current = overlay, after
	}
	for path, data := range local {
		content[path] = data
	}
	sort.Strings(applied)
	return applied, nil
}

// indexed gives the files of content, and the others as they were read.
func indexed(content map[string][]byte, files Files) Files {
	made := map[string]*source.File{}
	return func(path string) *source.File {
		if f, ok := made[path]; ok {
			return f
		}
		data, ok := content[path]
		if !ok {
			return files(path)
		}
		f := source.NewFile(path, data)
		made[path] = f
		return f
	}
}

// Combine gives one proven fix that mends as many of the group as it can, and
// the fingerprints of those; nil and none where nothing can be mended. All
// findings of the group are of one unit; those of others are left out. The edits are
// whole lines against the files as they were read. The error is the context's.
func Combine(ctx context.Context, ev Evaluator, group []engine.Finding, files Files) (*Fix, []string, error) {
	units := byUnit(group)
	if len(units) == 0 {
		return nil, nil, nil
	}
	content := map[string][]byte{}
	applied, err := mend(ctx, ev, units[0], files, content)
	if err != nil || len(applied) == 0 {
		return nil, nil, err
	}
	paths := make([]string, 0, len(content))
	for p := range content {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	out := &Fix{Verified: true}
	for _, p := range paths {
		out.Edits = append(out.Edits, lineEdits(files(p), content[p])...)
	}
	done := map[string]bool{}
	for _, fp := range applied {
		done[fp] = true
	}
	titles, reviews := map[string]bool{}, map[string]bool{}
	for _, f := range units[0] {
		if !done[f.Fingerprint] {
			continue
		}
		if t := Title(f); t != "" && !titles[t] {
			titles[t] = true
			out.Title = join(out.Title, t, "; ")
		}
		if spec := specOf(f); spec != nil && spec.Review != "" && !reviews[spec.Review] {
			reviews[spec.Review] = true
			out.Review = join(out.Review, spec.Review, " ")
		}
	}
	return out, applied, nil
}

func join(a, b, sep string) string {
	if a == "" {
		return b
	}
	return a + sep + b
}
