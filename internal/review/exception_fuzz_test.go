package review_test

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// A reason is anybody's: in a comment of a file it stays on its line and ends no
// comment.
func FuzzDirective(f *testing.F) {
	for _, s := range []string{"why", "a\nb: c", "*/ x", "-->", "plimsoll:ignore x/y -- z", strings.Repeat("é", 500)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reason string) {
		d := review.Directive("k8s/host-path", "2027-06-30", reason)
		if strings.ContainsAny(d, "\n\r\x00\u2028\u2029") || strings.Contains(d, "*/") || strings.Contains(d, "-->") || strings.Count(d, "plimsoll:ignore") != 1 || len(d) > 400 {
			t.Errorf("%q", d)
		}
	})
}
