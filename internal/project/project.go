// Package project finds the units of a tree and says which of them a set of
// changed paths reaches. It reads as little as it can: names first, content
// only where a name does not decide.
package project

import (
	"context"
	"io/fs"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// PathChange is one path that differs between base and head.
type PathChange struct {
	Path    string // in head; for a deleted file its path in base
	OldPath string // in base, where it was renamed; else ""
	Kind    ChangeKind
}

// ChangeKind says what happened to a path.
type ChangeKind uint8

// What can happen to a path. A rename is Modified or Moved with OldPath set.
const (
	Added ChangeKind = iota
	Modified
	Removed
	Moved // renamed, content the same
)

// Filter decides by path which files count at all (the repository's
// include and exclude patterns). A nil Filter takes every file.
type Filter func(path string) bool

// Settings are what a repository says about its units. The zero value says
// nothing.
type Settings struct {
	// VarFiles are patterns, as Match reads them, of files of variables that are
	// named on Terraform's command line.
	VarFiles []string
	// HelmValues are patterns of values files that charts are rendered with,
	// beside those that are found by their names, one environment each.
	HelmValues []string
	// KubeVersion and Namespace are what charts are rendered for; "" where the
	// repository does not say.
	KubeVersion, Namespace string
}

// Finder finds units.
type Finder interface {
	// With gives a Finder that goes by the settings of a repository.
	With(Settings) Finder
	// All gives every unit below the given paths of fsys ("." for the tree).
	All(ctx context.Context, fsys fs.FS, paths []string, keep Filter) ([]format.Unit, source.Diagnostics)
	// Reached gives the units, on each side, that the changes reach. A unit
	// that exists on one side only is in that side's list alone.
	Reached(ctx context.Context, base, head fs.FS, changes []PathChange, keep Filter) (b, h []format.Unit, ds source.Diagnostics)
	// Releasing gives the units, on each side, that may release one of the
	// charts among the reached units, or release a chart with a changed file of
	// values that none of them takes up. They are not reached themselves: of
	// what they hold, the releases alone bear on the change.
	Releasing(ctx context.Context, base, head fs.FS, changes []PathChange, reached []format.Unit, keep Filter) (b, h []format.Unit)
}
