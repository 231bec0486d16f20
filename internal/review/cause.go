package review

import (
	"fmt"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// because says which other resource's change brought a finding about; "" for
// one that the resource itself has.
func because(f Finding) string {
	if f.Cause == nil {
		return ""
	}
	what := "the change of"
	if f.OnBase {
		what = "the removal of"
	}
	return fmt.Sprintf("This comes with %s %s (%s).", what, code(f.Cause.ID), code(lineOf(f.Range)))
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
