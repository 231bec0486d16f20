// Package fix turns a rule's fix operations into edits of the source and proves
// them: the edits are applied in memory, the unit is read and evaluated again,
// and the fix counts only if its finding is gone and no other came.
package fix

import "github.com/plimsoll-iac/plimsoll/internal/source"

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
