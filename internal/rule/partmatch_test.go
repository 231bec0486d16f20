package rule

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestPartsMatch(t *testing.T) {
	for _, c := range []struct {
		parts   []string
		pattern string
		want    resource.Truth
	}{
		{[]string{"arn:", ":iam::aws:policy/AdministratorAccess"}, ":policy/(job-function/)?(AdministratorAccess|IAMFullAccess)$", resource.Yes},
		{[]string{"arn:", ":iam::aws:policy/AmazonEKSWorkerNodePolicy"}, ":policy/(job-function/)?(AdministratorAccess|IAMFullAccess)$", resource.No},
		{[]string{"arn:aws:iam::aws:policy/", ""}, ":policy/(AdministratorAccess|IAMFullAccess)$", resource.Undecided},
		{[]string{"arn:aws:iam::aws:policy/Read", ""}, ":policy/(AdministratorAccess|IAMFullAccess)$", resource.Undecided},
		{[]string{"a", "b"}, "^ab$", resource.Undecided},
		{[]string{"a", "b"}, "^a$", resource.No},
		{[]string{"", "b"}, "^b", resource.Undecided},
		{[]string{"x", "b"}, "^b", resource.No},
		{[]string{"", ""}, "^$", resource.Undecided},
		{[]string{"repo:acme/", ":*"}, "^repo:[^/:]+/[^:]+:pull_request$", resource.No},
		{[]string{"repo:", "/shop:pull_request"}, "^repo:[^/:]+/[^:]+:pull_request$", resource.Undecided},
		{[]string{"a b", "c"}, `\bb\b`, resource.Undecided},
		{[]string{"a b ", "c"}, `\bb\b`, resource.Yes},
		{[]string{"A", ""}, "(?i)^a", resource.Yes},
		{[]string{"a", "z"}, "b{500}", resource.Undecided},
		{[]string{"a", "z"}, "(b{100}){30}", resource.Undecided},
		{[]string{strings.Repeat("a", maxMatchText), "b"}, "^c", resource.Undecided},
	} {
		if got := partsMatch(c.parts, progOf(c.pattern)); got != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.parts, c.pattern, got, c.want)
		}
	}
}

// TestPartsMatchAgreesWithRegexp fills the holes: no text may contradict what
// was decided.
func TestPartsMatchAgreesWithRegexp(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	letters := []string{"", "a", "b", "ab", "ba", " ", "a b", "\n", "aab", "é"}
	atoms := []string{"a", "b", "^", "$", `\b`, `\B`, ".", "[^a]", "(a|b)", "a*", "b+", "(ab)?", ".*", "(?:^a|b$)", "é", "(?m:^)", "(?m:$)"}
	decided := 0
	for range 20000 {
		pattern := ""
		for range 1 + rng.IntN(4) {
			pattern += pick(atoms)
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			continue
		}
		parts := make([]string, 2+rng.IntN(2))
		for i := range parts {
			parts[i] = pick(letters)
		}
		got := partsMatch(parts, progOf(pattern))
		if got != resource.Undecided {
			decided++
		}
		for range 12 {
			text := parts[0]
			for _, p := range parts[1:] {
				text += pick(letters) + p
			}
			if is := re.MatchString(text); got == resource.Yes && !is || got == resource.No && is {
				t.Fatalf("%q matches %q: decided %v, but with %q it is %v", parts, pattern, got, text, is)
			}
		}
	}
	if decided < 2000 {
		t.Errorf("only %d were decided", decided)
	}
}
