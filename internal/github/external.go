package github

import (
	"strconv"
	"strings"
)

const (
	externalPrefix = "pull/"
	groupPrefix    = "group/"
)

// externalID is how a check run names what it is about, since check events of
// forks do not: the pull request, or for a merge queue's group the commit that
// it is compared with.
func (pr PullRequest) externalID() string {
	if pr.Number == 0 {
		return groupPrefix + pr.BaseSHA
	}
	return externalPrefix + strconv.Itoa(pr.Number)
}

func pullOf(id string) (int, bool) {
	s, ok := strings.CutPrefix(id, externalPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && externalPrefix+strconv.Itoa(n) == id
}

// groupOf gives the base of the group that a check run is about.
func groupOf(id string) (base string, ok bool) {
	base, ok = strings.CutPrefix(id, groupPrefix)
	return base, ok && shaPattern.MatchString(base)
}
