package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// fingerprints makes those of one side of one resource. They depend on the
// rule, what the resource is known by and the stable path; findings that fall
// together are numbered in the order in which they come.
type fingerprints struct {
	res  *resource.Resource
	seen map[string]int
}

func newFingerprints(res *resource.Resource) *fingerprints {
	return &fingerprints{res: res, seen: map[string]int{}}
}

// next gives the fingerprint of a finding that stands in a file.
func (f *fingerprints) next(ruleID, stable, file string) string {
	key := ruleID + "\x00" + stable
	n := f.seen[key]
	f.seen[key] = n + 1
	known := f.res.Known()
	parts := []string{ruleID, known.Unit, known.ID, stable, strconv.Itoa(n)}
	if f.res.Source != (resource.Identity{}) {
		// What an overlay says itself is its own.
		if dir := path.Dir(file); dir != path.Dir(f.res.Range.File) {
			parts = append(parts, dir)
		}
	}
	return fingerprint(parts...)
}

func fingerprint(parts ...string) string {
	b := make([]byte, 0, 256)
	for _, s := range parts {
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(b, ':')
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
