package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// fingerprints makes those of one side of one resource. They depend on the
// rule, the unit, the resource and the stable path alone; findings that fall
// together are numbered in the order in which they come.
type fingerprints struct {
	res  *resource.Resource
	seen map[string]int
}

func newFingerprints(res *resource.Resource) *fingerprints {
	return &fingerprints{res: res, seen: map[string]int{}}
}

func (f *fingerprints) next(ruleID, stable string) string {
	key := ruleID + "\x00" + stable
	n := f.seen[key]
	f.seen[key] = n + 1
	b := make([]byte, 0, 256)
	for _, s := range [...]string{ruleID, f.res.Unit, f.res.ID, stable, strconv.Itoa(n)} {
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(b, ':')
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
