// Package format declares what a reader of a format is. Each format has a room
// of its own below this one and passes the conformance suite of formattest.
package format

import (
	"context"
	"io/fs"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Unit is a set of files that are read together: a folder of manifests, a
// Terraform module, a Dockerfile. It is the reach of names: two resources of
// one id in different units are different resources.
type Unit struct {
	ID     string // "<format>:<dir or file>", stable while the files stay where they are
	Format string // name of the reader
	Dir    string // slash-separated, "." for the root
	// Variant names the environment that the unit is read for: a values file of
	// a chart, a variables file of a root module. "" is the unit without one;
	// otherwise the ID ends in "@" and the variant.
	Variant string
	// Inputs are files given on top of the unit's own, in order: values files,
	// files of variables.
	Inputs []string
	// Files are the paths to read, sorted. A reader reads these and, of its
	// own accord, only files that they name.
	Files []string
	// Partial says that the unit has more files than Files: too many for all of
	// them to be read.
	Partial bool
	// Settings are what the repository's configuration says for units of the
	// format, by key; nil where it says nothing.
	Settings map[string]string
	// FS is the tree that the paths are in.
	FS fs.FS
	// MaxFileSize bounds each file, in bytes; larger ones give a diagnostic.
	MaxFileSize int64
}

// Reader reads units of one format.
type Reader interface {
	// Read gives what could be read, in source order, and diagnostics for what
	// could not; it never gives up on a unit because of one file. Every Range
	// is exact: the bytes there are what the node says. Unit and Format are set
	// on each resource. Hostile input costs bounded time, memory and depth.
	Read(ctx context.Context, u Unit) ([]*resource.Resource, source.Diagnostics)
}

type tenantKey struct{}

// WithTenant says on whose behalf units are read: one pull request, one scan.
// A reader that keeps anything from one unit to the next keeps it for one tenant
// alone.
func WithTenant(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, tenantKey{}, name)
}

// Tenant gives what WithTenant said, or "".
func Tenant(ctx context.Context) string {
	name, _ := ctx.Value(tenantKey{}).(string)
	return name
}

// DefaultMaxFileSize bounds a file: yaml.v3 takes about fifty times a file's
// size in memory.
const DefaultMaxFileSize = 2 << 20
