// Package change compares the resources of two trees, and the lines of two
// files. Everything that Plimsoll says is about a ResourceChange.
package change

import (
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Kind says what happened to a resource.
type Kind string

// The kinds of change, as the JSON report spells them.
const (
	Added     Kind = "added"
	Modified  Kind = "modified"
	Removed   Kind = "removed"
	Unchanged Kind = "unchanged"
)

// ResourceChange pairs a resource of the base with the same one of the head.
type ResourceChange struct {
	Kind          Kind
	Before, After *resource.Resource // nil for Added, Removed
}

// Resource is the head's side, or the base's where it was removed.
func (c ResourceChange) Resource() *resource.Resource {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Hunk is a span of lines of the head's file that the diff shows, context
// included: 1-based, inclusive. Only lines within one hunk can carry an inline
// comment.
type Hunk struct {
	Start, End int
}
