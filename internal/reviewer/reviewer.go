// Package reviewer is the one path from two trees to a Report, shared by the
// App and the command line. It declares what it needs of the outside.
package reviewer

import (
	"context"
	"io/fs"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// Trees is the change under review: two file trees and the paths that differ.
// gitrepo implements it for commits of a remote, commits of a local repository
// and a working tree.
type Trees interface {
	// Base and Head give the trees. Reads of a lazy tree may reach the network
	// and honour the context that the Trees was made with.
	Base() fs.FS
	Head() fs.FS
	// Changes gives the paths that differ, sorted by Path.
	Changes(ctx context.Context) ([]project.PathChange, error)
	// Prefetch announces files that will be read, so that a lazy tree can fetch
	// them in one request. Paths that do not exist are ignored.
	Prefetch(ctx context.Context, base, head []string) error
}

// Clock gives the present; suppressions expire by it.
type Clock func() time.Time
