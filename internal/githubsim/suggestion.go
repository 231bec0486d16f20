package githubsim

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// ApplySuggestion replaces the lines that a live thread stands on by
// replacement (whole lines, "" deletes them), as one commit to the pull
// request's branch by a person. The replacement gets the file's line endings.
func (s *Server) ApplySuggestion(fullName string, number int, threadID int64, replacement, login string) (string, error) {
	var sha string
	err := s.onPull(fullName, number, func(p *pull) error {
		t := p.thread(threadID)
		if t == nil {
			return fmt.Errorf("githubsim: no thread %d", threadID)
		}
		if p.State != "open" {
			return fmt.Errorf("githubsim: pull request %d is closed", number)
		}
		if t.Outdated || t.Line == 0 || t.Side != "RIGHT" {
			return fmt.Errorf("githubsim: suggestion on %s is outdated", t.Path)
		}
		content, err := p.repo.objects.file(plumbing.NewHash(p.HeadSHA), t.Path)
		if err != nil {
			return fmt.Errorf("githubsim: %s: %w", t.Path, err)
		}
		start := t.Line
		if t.StartLine > 0 {
			start = t.StartLine
		}
		changed, err := replaceLines(string(content), start, t.Line, replacement)
		if err != nil {
			return fmt.Errorf("githubsim: %s: %w", t.Path, err)
		}
		author := t.Comments[0].Author
		sha, err = s.push(p.headRepo, s.account(login, "User"), Push{
			Branch: p.HeadRef, Entries: map[string]Entry{t.Path: {Content: changed, Mode: s.modeOf(p, t.Path)}},
			Message: fmt.Sprintf("Apply suggestion to %s\n\nCo-authored-by: %s <%s>", t.Path, author.Login, mailOf(author)),
		})
		return err
	})
	return sha, err
}

// modeOf gives a file's mode in a pull request's head.
func (s *Server) modeOf(p *pull, path string) filemode.FileMode {
	tree, err := p.repo.objects.treeOf(plumbing.NewHash(p.HeadSHA))
	if err != nil {
		return filemode.Regular
	}
	e, err := tree.FindEntry(path)
	if err != nil {
		return filemode.Regular
	}
	return e.Mode
}

// replaceLines replaces the lines start to end, 1-based and inclusive.
func replaceLines(content string, start, end int, replacement string) (string, error) {
	lines := strings.SplitAfter(content, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if start < 1 || end < start || end > len(lines) {
		return "", fmt.Errorf("lines %d to %d are not in the file", start, end)
	}
	if replacement != "" && !strings.HasSuffix(replacement, "\n") {
		replacement += "\n"
	}
	last := lines[end-1]
	if strings.HasSuffix(last, "\r\n") {
		replacement = strings.ReplaceAll(strings.ReplaceAll(replacement, "\r\n", "\n"), "\n", "\r\n")
	}
	if !strings.HasSuffix(last, "\n") {
		replacement = strings.TrimSuffix(replacement, "\n")
	}
	return strings.Join(lines[:start-1], "") + replacement + strings.Join(lines[end:], ""), nil
}

// Commit is a commit of a pull request.
type Commit struct {
	SHA, Message, Author string
	Time                 time.Time
}

// Commits gives the commits of a pull request, oldest first.
func (s *Server) Commits(fullName string, number int) ([]Commit, error) {
	var out []Commit
	var walkErr error
	if err := s.look(fullName, number, func(p *pull) {
		commits, err := p.repo.objects.between(plumbing.NewHash(p.BaseSHA), plumbing.NewHash(p.HeadSHA))
		walkErr = err
		for _, c := range commits {
			out = append(out, Commit{SHA: c.Hash.String(), Message: c.Message, Author: c.Author.Name, Time: c.Author.When})
		}
	}); err != nil {
		return nil, err
	}
	if walkErr != nil {
		return nil, fmt.Errorf("githubsim: commits: %w", walkErr)
	}
	return out, nil
}

// SamplePush gives the prepared push of a pull request, false when there is
// none.
func (s *Server) SamplePush(fullName string, number int) (Push, bool) {
	if s.opts.SamplePush == nil {
		return Push{}, false
	}
	p, err := s.Pull(fullName, number)
	if err != nil {
		return Push{}, false
	}
	return s.opts.SamplePush(p)
}
