package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// because says which other change brought a finding about: that of another
// resource, or of a setting beside the one that the finding is about; "" where
// it is that one.
func because(f Finding) string {
	if f.Cause == nil {
		return turned(f)
	}
	what := "the change of"
	if f.OnBase {
		what = "the removal of"
	}
	return fmt.Sprintf("This comes with %s %s (%s).", what, code(f.Cause.ID), code(lineOf(f.Range)))
}

// turned says which settings of the resource made the finding, "" for none.
func turned(f Finding) string {
	var parts []string
	seen := map[string]bool{}
	for _, t := range f.Turned {
		if t.Path == "" || len(t.At) == 0 || seen[t.Path] || len(parts) == maxTurned {
			continue
		}
		if !t.OnBase && !slices.ContainsFunc(t.At, func(at source.Range) bool { return lineOf(at) != lineOf(f.Range) }) {
			continue // it is what the finding shows
		}
		seen[t.Path] = true
		where := code(lineOf(t.At[0]))
		if last := t.At[len(t.At)-1]; lineOf(last) != lineOf(t.At[0]) {
			where += ", from " + code(lineOf(last))
		}
		what := "the change of"
		if t.OnBase {
			what = "the removal of"
		}
		parts = append(parts, fmt.Sprintf("%s %s (%s)", what, code(t.Path), where))
	}
	if len(parts) == 0 {
		return ""
	}
	return "This comes with " + strings.Join(parts, " and ") + "."
}

// maxTurned bounds how many settings a sentence names.
const maxTurned = 2

// from gives the further places that a finding comes from: where its value came
// from, then what made it.
func from(f Finding) []source.Range {
	out := f.Origins
	if slices.ContainsFunc(out, func(o source.Range) bool { return sameLines(o, f.Range) }) {
		out = slices.DeleteFunc(slices.Clone(out), func(o source.Range) bool { return sameLines(o, f.Range) })
	}
	for _, t := range f.Turned {
		for _, at := range t.At {
			if !t.OnBase && at != f.Range && !slices.Contains(out, at) {
				out = append(slices.Clip(out), at)
			}
		}
	}
	return out
}

// sameLines reports whether two places are the same lines, and so no two places
// to whoever reads of them.
func sameLines(a, b source.Range) bool {
	return a.File == b.File && a.Start.Line == b.Start.Line && a.LastLine() == b.LastLine()
}

// inHead gives where a finding can be shown in the head: where it stands, or,
// where that was removed, the resource that it is about.
func inHead(f Finding) source.Range {
	if f.OnBase && len(f.Origins) > 0 {
		return f.Origins[0]
	}
	return f.Range
}

// lost gives where in the base something stood whose loss brought the finding
// about; zero for none.
func lost(f Finding) source.Range {
	if f.OnBase {
		return f.Range
	}
	return f.Gone
}
