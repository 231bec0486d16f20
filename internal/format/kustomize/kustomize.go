// Package kustomize reads kustomizations: it builds each with kustomize's own
// library, on a file system in memory that holds nothing but what the unit
// names, and says for every value which line of a base, a patch or a
// kustomization decided it.
//
// Nothing is fetched and nothing is run. Every field of every kustomization is
// looked through before the build, and what it names must exist in the tree;
// what is remote, and generators, transformers and validators that are not
// kustomize's own, are named as not evaluated. The library never sees a path of
// the repository: each file and folder is laid out under a number.
//
// The library keeps the lines of what it loads, through merging and copying. So
// each document is laid out with so many blank lines in front that no line of
// the unit has the number of another, and the line of a value in the result says
// where it was written; that counts only where the value and its path are the
// same there. What transformers set is looked up in the kustomizations, from the
// outermost inwards. A JSON patch loses the lines; such a resource is built once
// more without these patches.
package kustomize

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the reader's name, as it stands in Resource.Format and Unit.Format.
const Name = "kustomize"

// Bounds on what one unit may take. They are far above what people write.
const (
	maxFiles      = 2_000    // that the kustomizations of a unit name
	maxDepth      = 32       // of kustomizations within each other
	maxInstances  = 10_000   // resources, each base counted as often as it is built
	maxLayout     = 64 << 20 // bytes of the laid out documents
	maxSourceSize = 32 << 20 // bytes of all files
)

// FileNames are the names that kustomize looks for in a folder.
func FileNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// IsFile reports whether kustomize takes a file of that name for a kustomization.
func IsFile(name string) bool { return slices.Contains(FileNames(), path.Base(name)) }

// Reader reads units that are kustomizations. It holds no state and is safe for
// concurrent use.
type Reader struct{}

// New makes a reader.
func New() Reader { return Reader{} }

// Read implements format.Reader. The unit is the kustomization of its folder,
// built as `kustomize build` does, files outside of the folder allowed. A build
// that fails gives no resource and a diagnostic that names the cause and its
// place; a remote resource beside local ones is named and left out.
func (Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	if len(u.Files) == 0 {
		return nil, nil
	}
	s := newScan(ctx, &u)
	if err := ctx.Err(); err != nil {
		return nil, source.Diagnostics{{Level: source.LevelError, Message: fmt.Sprintf("reading %s stopped: %v", yamltree.Clean(s.title()), err), NotEvaluated: s.title()}}
	}
	root := s.start()
	if s.failed {
		return nil, s.done()
	}
	rs := s.build(root)
	distinguish(rs, &s.diags)
	return rs, s.done()
}

// distinguish gives repeated identities a suffix.
func distinguish(rs []*resource.Resource, ds *source.Diagnostics) {
	taken := make(map[string]*resource.Resource, len(rs))
	for _, r := range rs {
		id := r.ID
		first := taken[id]
		for n := 2; taken[r.ID] != nil; n++ {
			r.ID = id + "#" + strconv.Itoa(n)
		}
		taken[r.ID] = r
		if first != nil && !strings.HasSuffix(r.Name, "*") {
			ds.Warnf(r.Range.File, r.Head.Start.Line, "%s is defined before, at %s:%d: only one of them can exist in a cluster",
				yamltree.Clean(id), yamltree.Clean(first.Range.File), first.Head.Start.Line)
		}
	}
}

// regular reports whether there is a regular file of that name.
func regular(fsys fs.FS, name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	info, err := fs.Stat(fsys, name)
	return err == nil && info.Mode().IsRegular()
}
