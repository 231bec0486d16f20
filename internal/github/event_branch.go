package github

import (
	"errors"
	"slices"
	"strings"
)

// queueBranches is where GitHub keeps the heads of merge groups.
const queueBranches = "gh-readonly-queue/"

// checkSuite reads the suite that GitHub makes of every push, and of "re-run
// all checks". It names its pull requests only where they come from a branch
// of the repository, so which it is about is often still to be found out.
func (e *Event) checkSuite(p *payload) error {
	if p.Action != "requested" && p.Action != "rerequested" {
		*e = ignore(*e, "action not in use")
		return nil
	}
	if err := e.place(p); err != nil {
		return err
	}
	suite := p.CheckSuite
	if suite == nil || !shaPattern.MatchString(suite.HeadSHA) {
		return errors.New("no check suite on a commit")
	}
	if strings.HasPrefix(suite.HeadBranch, queueBranches) {
		*e = ignore(*e, "a merge group has an event of its own")
		return nil
	}
	if p.Action == "requested" && suite.HeadBranch != "" && suite.HeadBranch == p.Repository.DefaultBranch && len(suite.PullRequests) == 0 {
		// What is merged comes here, and is no pull request's head.
		*e = ignore(*e, "a push to the default branch")
		return nil
	}
	e.Kind, e.HeadSHA, e.AppID = Missed, suite.HeadSHA, suite.App.ID
	return nil
}

func (e *Event) mergeGroup(p *payload) error {
	if p.Action != "checks_requested" {
		*e = ignore(*e, "action not in use")
		return nil
	}
	if err := e.place(p); err != nil {
		return err
	}
	g := p.MergeGroup
	if g == nil || !shaPattern.MatchString(g.HeadSHA) || !shaPattern.MatchString(g.BaseSHA) {
		return errors.New("no merge group of two commits")
	}
	e.Kind, e.HeadSHA, e.BaseSHA = Group, g.HeadSHA, g.BaseSHA
	e.BaseRef = strings.TrimPrefix(g.BaseRef, "refs/heads/")
	return nil
}

// push reads a push for what it changes of the configuration: a repository's
// own is read with every review, the organisation's is remembered.
func (e *Event) push(p *payload) error {
	if err := e.place(p); err != nil {
		return err
	}
	branch, ok := strings.CutPrefix(p.Ref, "refs/heads/")
	switch {
	case !ok || branch != p.Repository.DefaultBranch:
		*e = ignore(*e, "not a push to the default branch")
	case e.Repo != configRepo && !touches(p, configPath):
		*e = ignore(*e, "the push changes no configuration")
	default:
		e.Kind = Refresh
	}
	return nil
}

func touches(p *payload, path string) bool {
	for _, c := range p.Commits {
		if slices.Contains(c.Added, path) || slices.Contains(c.Modified, path) || slices.Contains(c.Removed, path) {
			return true
		}
	}
	return false
}

// installation reads what an account grants, which decides what can be read.
func (e *Event) installation(p *payload) error {
	if p.Installation.ID <= 0 {
		return errors.New("no installation")
	}
	if e.Sender != "" && !loginPattern.MatchString(e.Sender) {
		return errors.New("the sender's login is not one")
	}
	e.Kind = Refresh
	return nil
}
