// Package kubernetes reads Kubernetes manifests, in YAML and JSON: every kind,
// custom resources among them, many documents a file, and lists whose items
// become resources of their own.
//
// Values mean what they mean to the cluster. kubectl and the API server decode
// manifests with sigs.k8s.io/yaml, which keeps to YAML 1.1 where yaml.v3 does
// not: a plain y, yes, on, n, no or off (in their usual capitalisations) is a
// boolean. Integers that fit are int64, all other numbers float64; timestamps
// stay strings, and so do .inf and .nan, which JSON cannot say and a cluster
// refuses. A name stays as it is written, be it a number or a boolean.
package kubernetes

import (
	"context"
	"fmt"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the reader's name, as it stands in Resource.Format and Unit.Format.
const Name = "kubernetes"

// Reader reads units of manifests. It holds no state and is safe for
// concurrent use.
type Reader struct{}

// New makes a reader.
func New() Reader { return Reader{} }

// Read implements format.Reader. Files are read side by side; the order of the
// result is that of Unit.Files, and within a file that of the source. A
// document without apiVersion and kind is not a manifest and is passed over in
// silence. A document that cannot be read gives a diagnostic and costs none of
// the others.
func (Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	files := make([]maker, len(u.Files))
	problems := make([]source.Diagnostics, len(u.Files))
	g := errgroup.Group{}
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range u.Files {
		files[i].unit = &u
		g.Go(func() error {
			problems[i] = yamltree.Read(ctx, &u, path, yamltree.Options{Candidate: candidate, OldBooleans: true}, files[i].document)
			return nil
		})
	}
	_ = g.Wait() // what goes wrong is a diagnostic

	var rs []*resource.Resource
	var ds source.Diagnostics
	for i := range files {
		rs = append(rs, files[i].resources...)
		ds = append(ds, problems[i]...)
	}
	distinguish(rs, &ds)
	if err := ctx.Err(); err != nil {
		ds = append(ds, source.Diagnostic{Level: source.LevelError, Message: fmt.Sprintf("reading %s stopped: %v", yamltree.Clean(u.ID), err), NotEvaluated: u.ID})
	}
	ds.Sort()
	return rs, ds
}

// distinguish gives repeated identities a suffix. Names that the cluster makes
// up (generateName) repeat without harm, and so do files of settings, which have
// no name.
func distinguish(rs []*resource.Resource, ds *source.Diagnostics) {
	taken := make(map[string]*resource.Resource, len(rs))
	next := map[string]int{}   // the suffix to try next, by identity
	warned := map[string]int{} // warnings by file
	for _, r := range rs {
		id := r.ID
		if first, repeated := taken[id]; repeated {
			n := max(next[id], 2)
			for taken[r.ID] != nil {
				r.ID = id + "#" + strconv.Itoa(n)
				n++
			}
			next[id] = n
			if generated(r) || r.Name == "" {
				taken[r.ID] = r
				continue
			}
			if warned[r.Range.File]++; warned[r.Range.File] <= yamltree.MaxDiagnostics {
				ds.Warnf(r.Range.File, r.Head.Start.Line, "%s is defined before, at %s:%d: only one of them can exist in a cluster",
					yamltree.Clean(id), yamltree.Clean(first.Range.File), first.Head.Start.Line)
			}
		}
		taken[r.ID] = r
	}
	for file, n := range warned {
		if n > yamltree.MaxDiagnostics {
			ds.Warnf(file, 0, "%d more resources of this file are defined before", n-yamltree.MaxDiagnostics)
		}
	}
}
