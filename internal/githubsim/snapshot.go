package githubsim

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/go-git/go-git/v5/plumbing"
)

// What a test looks into: copies of state that later changes do not touch.

func (p *pull) snapshot() PullRequest {
	out := p.PullRequest
	out.CommentCount = len(p.comments)
	for _, t := range p.threads {
		out.ReviewCommentCount += len(t.Comments)
	}
	return out
}

// Pull gives a pull request.
func (s *Server) Pull(fullName string, number int) (PullRequest, error) {
	var out PullRequest
	err := s.look(fullName, number, func(p *pull) { out = p.snapshot() })
	return out, err
}

// look reads a pull request under the lock.
func (s *Server) look(fullName string, number int, f func(*pull)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return err
	}
	p := r.pull(number)
	if p == nil {
		return fmt.Errorf("githubsim: %s has no pull request %d", fullName, number)
	}
	f(p)
	return nil
}

// Pulls gives every pull request of every repository, newest first.
func (s *Server) Pulls() []PullRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []PullRequest
	for _, r := range s.repos {
		for _, p := range r.pulls {
			out = append(out, p.snapshot())
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID > out[j].ID })
	return out
}

// Repository gives a repository.
func (s *Server) Repository(fullName string) (Repository, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return Repository{}, err
	}
	return Repository{
		ID: r.id, Owner: r.owner.Login, Name: r.name, Private: r.private, Fork: r.parent != nil, DefaultBranch: r.defaultBranch,
	}, nil
}

// Branch gives the SHA that a branch, ref or SHA stands for.
func (s *Server) Branch(fullName, ref string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return "", err
	}
	h, ok := s.resolve(r, ref)
	if !ok {
		return "", fmt.Errorf("githubsim: %s has no %q", fullName, ref)
	}
	return h.String(), nil
}

// File gives a file's content at a branch, ref or SHA.
func (s *Server) File(fullName, ref, path string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return "", err
	}
	h, ok := s.resolve(r, ref)
	if !ok {
		return "", fmt.Errorf("githubsim: %s has no %q", fullName, ref)
	}
	b, err := r.objects.file(h, path)
	if err != nil {
		return "", fmt.Errorf("githubsim: %s at %s: %w", path, ref, err)
	}
	return string(b), nil
}

// CommitMessage gives the message and the author's name of a commit.
func (s *Server) CommitMessage(fullName, ref string) (message, author string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return "", "", err
	}
	h, ok := s.resolve(r, ref)
	if !ok {
		return "", "", fmt.Errorf("githubsim: %s has no %q", fullName, ref)
	}
	c, err := r.objects.commit(h)
	if err != nil {
		return "", "", err
	}
	return c.Message, c.Author.Name, nil
}

// CheckRuns gives the check runs of a commit, oldest first; nil for an unknown
// repository.
func (s *Server) CheckRuns(fullName, sha string) []CheckRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return nil
	}
	var out []CheckRun
	for _, run := range r.runs {
		if run.HeadSHA == sha {
			c := *run
			c.Annotations, c.Actions = slices.Clone(run.Annotations), slices.Clone(run.Actions)
			out = append(out, c)
		}
	}
	return out
}

// Comments gives the conversation of a pull request, oldest first.
func (s *Server) Comments(fullName string, number int) []IssueComment {
	var out []IssueComment
	if err := s.look(fullName, number, func(p *pull) {
		for _, ic := range p.comments {
			c := *ic
			c.Reactions = slices.Clone(ic.Reactions)
			out = append(out, c)
		}
	}); err != nil {
		return nil
	}
	return out
}

// Threads gives the review threads of a pull request, oldest first.
func (s *Server) Threads(fullName string, number int) []Thread {
	var out []Thread
	if err := s.look(fullName, number, func(p *pull) {
		for _, t := range p.threads {
			out = append(out, t.clone())
		}
	}); err != nil {
		return nil
	}
	return out
}

// Reviews gives the reviews of a pull request, oldest first.
func (s *Server) Reviews(fullName string, number int) []Review {
	var out []Review
	if err := s.look(fullName, number, func(p *pull) {
		for _, v := range p.reviews {
			out = append(out, *v)
		}
	}); err != nil {
		return nil
	}
	return out
}

// Files gives the diff of a pull request.
func (s *Server) Files(ctx context.Context, fullName string, number int) ([]FileDiff, error) {
	var out []FileDiff
	var diffErr error
	if err := s.look(fullName, number, func(p *pull) { out, diffErr = s.filesOf(p) }); err != nil {
		return nil, err
	}
	if diffErr != nil {
		return nil, fmt.Errorf("githubsim: diff: %w", diffErr)
	}
	return out, ctx.Err()
}

// MergeBase gives the merge base of a pull request's two sides.
func (s *Server) MergeBase(fullName string, number int) (string, error) {
	var out plumbing.Hash
	var ok bool
	var mbErr error
	if err := s.look(fullName, number, func(p *pull) {
		out, ok, mbErr = p.repo.objects.mergeBase(plumbing.NewHash(p.BaseSHA), plumbing.NewHash(p.HeadSHA))
	}); err != nil {
		return "", err
	}
	if mbErr != nil {
		return "", fmt.Errorf("githubsim: merge base: %w", mbErr)
	}
	if !ok {
		return "", fmt.Errorf("githubsim: pull request %d has no merge base", number)
	}
	return out.String(), nil
}
