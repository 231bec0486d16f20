package githubsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"
)

// RepositoryOptions describes a new repository.
type RepositoryOptions struct {
	Owner, Name   string // an Owner that there is not becomes an organisation
	Public        bool
	DefaultBranch string // "" is main
	// Files are the first commit's; nil is a README.
	Files map[string]string
	// Storer keeps the objects; nil keeps them in memory. With Head set, the
	// storer has the history already and Files are not written.
	Storer storer.EncodedObjectStorer
	Head   string // SHA
	// Time of the first commit; zero is the present.
	Time time.Time
}

// CreateRepository makes a repository and gives the SHA of its first commit.
func (s *Server) CreateRepository(o RepositoryOptions) (string, error) {
	if o.DefaultBranch == "" {
		o.DefaultBranch = "main"
	}
	if o.Files == nil {
		o.Files = map[string]string{"README.md": "# " + o.Name + "\n"}
	}
	if o.Storer == nil {
		o.Storer = newMemory()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(o.Owner + "/" + o.Name)
	if s.repos[key] != nil {
		return "", fmt.Errorf("githubsim: repository %s exists", key)
	}
	now := s.now()
	r := &repository{
		id: s.id(), owner: s.account(o.Owner, "Organization"), name: o.Name, private: !o.Public,
		defaultBranch: o.DefaultBranch, objects: &objectStore{EncodedObjectStorer: o.Storer},
		refs: map[plumbing.ReferenceName]plumbing.Hash{}, permissions: map[string]string{},
		created: now, pushed: now,
	}
	head := plumbing.NewHash(o.Head)
	if o.Head == "" {
		entries := map[string]Entry{}
		for name, content := range o.Files {
			entries[name] = Entry{Content: content}
		}
		tree, err := r.objects.edit(plumbing.ZeroHash, entries, nil)
		if err != nil {
			return "", fmt.Errorf("githubsim: %w", err)
		}
		if o.Time.IsZero() {
			o.Time = now
		}
		if head, err = r.objects.putCommit(tree, nil, "Start\n", signature{r.owner.Login, mailOf(r.owner), o.Time}); err != nil {
			return "", fmt.Errorf("githubsim: %w", err)
		}
	}
	r.refs[plumbing.NewBranchReferenceName(o.DefaultBranch)] = head
	s.repos[key] = r
	s.touch()
	return head.String(), nil
}

// newMemory makes an object database in memory.
func newMemory() storer.EncodedObjectStorer { return &memory.NewStorage().ObjectStorage }

func mailOf(a *Account) string {
	return fmt.Sprintf("%d+%s@users.noreply.github.test", a.ID, a.Login)
}

// Fork makes a fork of a repository in another account and gives its full name.
func (s *Server) Fork(fullName, owner string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return "", err
	}
	key := strings.ToLower(owner + "/" + r.name)
	if s.repos[key] != nil {
		return "", fmt.Errorf("githubsim: repository %s exists", key)
	}
	f := &repository{
		id: s.id(), owner: s.account(owner, "User"), name: r.name, private: r.private, defaultBranch: r.defaultBranch,
		parent: r, objects: r.objects, refs: map[plumbing.ReferenceName]plumbing.Hash{}, permissions: map[string]string{},
		created: s.now(), pushed: s.now(),
	}
	for name, h := range r.refs {
		if name.IsBranch() {
			f.refs[name] = h
		}
	}
	s.repos[key] = f
	s.touch()
	return f.fullName(), nil
}

// Push is one commit that somebody pushes.
type Push struct {
	Branch  string
	From    string // where the branch starts when it is new: a branch or SHA; "" is the default branch
	Message string // "" is Update
	Author  string // login; "" is the owner
	Files   map[string]string
	Entries map[string]Entry // like Files, with modes
	Delete  []string
	// Parent replaces the branch's history (a forced push) when set: the SHA
	// that the new commit comes after.
	Parent string
	// Time of the commit; zero is the present.
	Time time.Time
}

// Push commits to a branch, as somebody who pushes, and delivers the events
// that come of it. It gives the new commit's SHA.
func (s *Server) Push(fullName string, p Push) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return "", err
	}
	who := r.owner
	if p.Author != "" {
		who = s.account(p.Author, "User")
	}
	return s.push(r, who, p)
}

// push is Push with s.mu held.
func (s *Server) push(r *repository, who *Account, p Push) (string, error) {
	if p.Branch == "" {
		return "", errors.New("githubsim: push without a branch")
	}
	ref := plumbing.NewBranchReferenceName(p.Branch)
	before, exists := r.refs[ref]
	parent := before
	switch {
	case p.Parent != "":
		parent = plumbing.NewHash(p.Parent)
	case !exists:
		var ok bool
		if parent, ok = s.resolve(r, p.From); !ok {
			return "", fmt.Errorf("githubsim: %s has no %q to start a branch from", r.fullName(), p.From)
		}
	}
	c, err := r.objects.commit(parent)
	if err != nil {
		return "", fmt.Errorf("githubsim: parent commit: %w", err)
	}
	entries := maps.Clone(p.Entries)
	if entries == nil {
		entries = map[string]Entry{}
	}
	for name, content := range p.Files {
		entries[name] = Entry{Content: content}
	}
	tree, err := r.objects.edit(c.TreeHash, entries, p.Delete)
	if err != nil {
		return "", fmt.Errorf("githubsim: %w", err)
	}
	if p.Message == "" {
		p.Message = "Update"
	}
	if p.Time.IsZero() {
		p.Time = s.now()
	}
	h, err := r.objects.putCommit(tree, []plumbing.Hash{parent}, p.Message, signature{who.Login, mailOf(who), p.Time})
	if err != nil {
		return "", fmt.Errorf("githubsim: %w", err)
	}
	s.moveBranch(r, ref, h, who)
	return h.String(), nil
}

// moveBranch sets a branch and delivers what comes of it: push, check_suite
// requested, and synchronize for each open pull request from it. s.mu is held.
func (s *Server) moveBranch(r *repository, ref plumbing.ReferenceName, h plumbing.Hash, who *Account) {
	before := r.refs[ref]
	r.refs[ref] = h
	r.pushed = s.now()
	s.deliverPush(r, ref, before, h, who)
	for _, in := range s.installationsOn(r) {
		if in.app.subscribes("check_suite") {
			x := s.suite(r, in.app, h.String(), ref.Short(), before.String())
			s.deliverSuite(in, r, x, "requested", who)
		}
	}
	for _, base := range s.repos {
		for _, p := range base.pulls {
			if p.headRepo != r || p.HeadRef != ref.Short() || p.State != "open" {
				continue
			}
			old := p.HeadSHA
			p.HeadSHA, p.Updated = h.String(), s.now()
			p.BaseSHA = base.refs[plumbing.NewBranchReferenceName(p.BaseRef)].String()
			base.refs[pullRef(p.Number)] = h
			s.relocate(p)
			s.deliverPull(p, "synchronize", who, map[string]any{"before": old, "after": p.HeadSHA})
		}
	}
	s.touch()
}

func pullRef(number int) plumbing.ReferenceName {
	return plumbing.ReferenceName(fmt.Sprintf("refs/pull/%d/head", number))
}

// DeleteBranch deletes a branch. Pull requests from it stay as they are.
func (s *Server) DeleteBranch(fullName, branch string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return err
	}
	delete(r.refs, plumbing.NewBranchReferenceName(branch))
	s.touch()
	return nil
}

// NewPull describes a pull request to open.
type NewPull struct {
	Title, Body string
	Author      string // login; "" is the head repository's owner
	Base        string // branch; "" is the default branch
	Head        string // branch, or owner:branch of a fork
	Draft       bool
}

// OpenPull opens a pull request and gives its number.
func (s *Server) OpenPull(fullName string, o NewPull) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return 0, err
	}
	headRepo, branch := r, o.Head
	if owner, rest, ok := strings.Cut(o.Head, ":"); ok {
		branch = rest
		headRepo = nil
		for _, f := range s.repos {
			if f.objects == r.objects && strings.EqualFold(f.owner.Login, owner) {
				headRepo = f
			}
		}
		if headRepo == nil {
			return 0, fmt.Errorf("githubsim: %s has no fork of %s", owner, fullName)
		}
	}
	if o.Base == "" {
		o.Base = r.defaultBranch
	}
	head, ok := headRepo.refs[plumbing.NewBranchReferenceName(branch)]
	if !ok {
		return 0, fmt.Errorf("githubsim: %s has no branch %q", headRepo.fullName(), branch)
	}
	base, ok := r.refs[plumbing.NewBranchReferenceName(o.Base)]
	if !ok {
		return 0, fmt.Errorf("githubsim: %s has no branch %q", fullName, o.Base)
	}
	author := headRepo.owner
	if o.Author != "" {
		author = s.account(o.Author, "User")
	}
	r.nextNumber++
	now := s.now()
	p := &pull{repo: r, headRepo: headRepo, author: author, PullRequest: PullRequest{
		ID: s.id(), Owner: r.owner.Login, Repo: r.name, Number: r.nextNumber, Title: o.Title, Body: o.Body,
		Author: author.Login, State: "open", Draft: o.Draft, BaseRef: o.Base, HeadRef: branch,
		BaseSHA: base.String(), HeadSHA: head.String(), HeadOwner: headRepo.owner.Login, HeadName: headRepo.name,
		Created: now, Updated: now, AllowMaintainer: headRepo != r,
	}}
	r.pulls = append(r.pulls, p)
	r.refs[pullRef(p.Number)] = head
	s.touch()
	s.deliverPull(p, "opened", author, nil)
	return p.Number, nil
}

// onPull does something with a pull request under the lock.
func (s *Server) onPull(fullName string, number int, do func(*pull) error) error {
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
	if err := do(p); err != nil {
		return err
	}
	p.Updated = s.now()
	s.touch()
	return nil
}

// MarkReady takes a pull request out of draft.
func (s *Server) MarkReady(fullName string, number int) error {
	return s.setDraft(fullName, number, false, "ready_for_review")
}

// ConvertToDraft makes a pull request a draft.
func (s *Server) ConvertToDraft(fullName string, number int) error {
	return s.setDraft(fullName, number, true, "converted_to_draft")
}

func (s *Server) setDraft(fullName string, number int, draft bool, action string) error {
	return s.onPull(fullName, number, func(p *pull) error {
		if p.Draft == draft {
			return fmt.Errorf("githubsim: pull request %d: draft is %t already", number, draft)
		}
		p.Draft = draft
		s.deliverPull(p, action, p.author, nil)
		return nil
	})
}

// ClosePull closes a pull request without merging it.
func (s *Server) ClosePull(fullName string, number int) error {
	return s.onPull(fullName, number, func(p *pull) error {
		if p.State != "open" {
			return fmt.Errorf("githubsim: pull request %d is closed", number)
		}
		p.State, p.Closed = "closed", s.now()
		s.deliverPull(p, "closed", p.author, nil)
		return nil
	})
}

// ReopenPull opens a closed pull request again; its head follows the branch.
func (s *Server) ReopenPull(fullName string, number int) error {
	return s.onPull(fullName, number, func(p *pull) error {
		if p.State != "closed" || p.Merged {
			return fmt.Errorf("githubsim: pull request %d can't be reopened", number)
		}
		p.State, p.Closed = "open", time.Time{}
		if h, ok := p.headRepo.refs[plumbing.NewBranchReferenceName(p.HeadRef)]; ok && h.String() != p.HeadSHA {
			p.HeadSHA = h.String()
			p.repo.refs[pullRef(number)] = h
			s.relocate(p)
		}
		s.deliverPull(p, "reopened", p.author, nil)
		return nil
	})
}

// EditBase changes the branch that a pull request is to be merged into.
func (s *Server) EditBase(fullName string, number int, branch string) error {
	return s.onPull(fullName, number, func(p *pull) error {
		h, ok := p.repo.refs[plumbing.NewBranchReferenceName(branch)]
		if !ok {
			return fmt.Errorf("githubsim: %s has no branch %q", fullName, branch)
		}
		changes := map[string]any{"base": map[string]any{
			"ref": map[string]any{"from": p.BaseRef}, "sha": map[string]any{"from": p.BaseSHA},
		}}
		p.BaseRef, p.BaseSHA = branch, h.String()
		s.relocate(p)
		s.deliverPull(p, "edited", p.author, map[string]any{"changes": changes})
		return nil
	})
}

// EditTitle changes a pull request's title.
func (s *Server) EditTitle(fullName string, number int, title string) error {
	return s.onPull(fullName, number, func(p *pull) error {
		changes := map[string]any{"title": map[string]any{"from": p.Title}}
		p.Title = title
		s.deliverPull(p, "edited", p.author, map[string]any{"changes": changes})
		return nil
	})
}

// MergePull merges a pull request with a merge commit. Files that both sides
// changed are a conflict.
func (s *Server) MergePull(fullName string, number int, login string) (string, error) {
	var sha string
	err := s.onPull(fullName, number, func(p *pull) error {
		if p.State != "open" || p.Draft {
			return fmt.Errorf("githubsim: pull request %d can't be merged", number)
		}
		who := s.account(login, "User")
		ref := plumbing.NewBranchReferenceName(p.BaseRef)
		h, err := s.merge(p.repo, p.repo.refs[ref], plumbing.NewHash(p.HeadSHA), signature{who.Login, mailOf(who), s.now()},
			fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s\n", number, p.HeadOwner, p.HeadRef, p.Title))
		if err != nil {
			return err
		}
		sha = h.String()
		p.State, p.Merged, p.Closed, p.MergeCommit, p.mergedBy = "closed", true, s.now(), sha, who
		s.moveBranch(p.repo, ref, h, who)
		s.deliverPull(p, "closed", who, nil)
		return nil
	})
	return sha, err
}

func (s *Server) merge(r *repository, base, head plumbing.Hash, who signature, message string) (plumbing.Hash, error) {
	o := r.objects
	mb, ok, err := o.mergeBase(base, head)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if !ok {
		return plumbing.ZeroHash, errors.New("githubsim: no common ancestor")
	}
	ours, err := o.changedEntries(mb, base)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	theirs, err := o.changedEntries(mb, head)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	set, del := map[string]Entry{}, []string{}
	for path, e := range theirs {
		if _, both := ours[path]; both {
			return plumbing.ZeroHash, fmt.Errorf("githubsim: %s is changed on both sides", path)
		}
		if e == nil {
			del = append(del, path)
		} else {
			set[path] = *e
		}
	}
	slices.Sort(del)
	c, err := o.commit(base)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	tree, err := o.edit(c.TreeHash, set, del)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return o.putCommit(tree, []plumbing.Hash{base, head}, message, who)
}

// addIssueComment adds to the conversation. s.mu is held.
func (s *Server) addIssueComment(p *pull, who *Account, app *App, body string) *IssueComment {
	now := s.now()
	ic := &IssueComment{ID: s.id(), Author: who, App: app, Body: body, Created: now, Updated: now}
	p.comments = append(p.comments, ic)
	p.Updated = now
	s.touch()
	s.deliverIssueComment(p, ic, "created", who)
	return ic
}

// Comment lets a person write into a pull request's conversation.
func (s *Server) Comment(fullName string, number int, login, body string) (int64, error) {
	var id int64
	err := s.onPull(fullName, number, func(p *pull) error {
		id = s.addIssueComment(p, s.account(login, "User"), nil, body).ID
		return nil
	})
	return id, err
}

// ReplyToThread lets a person answer in a review thread.
func (s *Server) ReplyToThread(fullName string, number int, threadID int64, login, body string) error {
	return s.onPull(fullName, number, func(p *pull) error {
		t := p.thread(threadID)
		if t == nil {
			return fmt.Errorf("githubsim: no thread %d", threadID)
		}
		now, who := s.now(), s.account(login, "User")
		v := &Review{ID: s.id(), Author: who, State: "COMMENTED", CommitID: p.HeadSHA, Submitted: now}
		p.reviews = append(p.reviews, v)
		rc := &ReviewComment{
			ID: s.id(), ReviewID: v.ID, InReplyTo: t.Comments[0].ID, Author: who, Body: body, Created: now, Updated: now,
		}
		t.Comments = append(t.Comments, rc)
		s.deliverReviewComment(p, t, rc, "created", who)
		return nil
	})
}

// SetThreadResolved lets a person resolve a thread, or open it again.
func (s *Server) SetThreadResolved(fullName string, number int, threadID int64, login string, resolved bool) error {
	return s.onPull(fullName, number, func(p *pull) error {
		t := p.thread(threadID)
		if t == nil {
			return fmt.Errorf("githubsim: no thread %d", threadID)
		}
		t.Resolved, t.ResolvedBy = resolved, nil
		if resolved {
			t.ResolvedBy = s.account(login, "User")
		}
		return nil
	})
}

func (p *pull) thread(id int64) *Thread {
	for _, t := range p.threads {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// Rerequest lets a person press "Re-run" at a check run. The event goes to the
// App that made the run; the run itself stays as it is.
func (s *Server) Rerequest(fullName string, checkRunID int64, login string) error {
	return s.onRun(fullName, checkRunID, login, "rerequested", nil)
}

// RequestAction lets a person press a button of a check run.
func (s *Server) RequestAction(fullName string, checkRunID int64, login, identifier string) error {
	return s.onRun(fullName, checkRunID, login, "requested_action", &identifier)
}

func (s *Server) onRun(fullName string, id int64, login, action string, identifier *string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.runs, func(c *CheckRun) bool { return c.ID == id })
	if i < 0 {
		return fmt.Errorf("githubsim: no check run %d", id)
	}
	run := r.runs[i]
	if identifier != nil && !slices.ContainsFunc(run.Actions, func(a Action) bool { return a.Identifier == *identifier }) {
		return fmt.Errorf("githubsim: check run %d has no action %q", id, *identifier)
	}
	s.deliverRun(r, run, action, s.account(login, "User"), identifier)
	return nil
}

// RerequestSuite lets a person press "Re-run all checks" for a commit.
func (s *Server) RerequestSuite(fullName, sha, login string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return err
	}
	for _, in := range s.installationsOn(r) {
		for _, x := range r.suites {
			if x.AppID == in.app.ID && x.HeadSHA == sha {
				s.deliverSuite(in, r, x, "rerequested", s.account(login, "User"))
			}
		}
	}
	return nil
}

// RequestMerge puts a pull request into the merge queue: a commit that merges
// it into its base, for which checks are requested. It gives that commit's SHA.
func (s *Server) RequestMerge(fullName string, number int) (string, error) {
	var sha string
	err := s.onPull(fullName, number, func(p *pull) error {
		ref := plumbing.NewBranchReferenceName(p.BaseRef)
		base := p.repo.refs[ref]
		h, err := s.merge(p.repo, base, plumbing.NewHash(p.HeadSHA), signature{p.author.Login, mailOf(p.author), s.now()},
			fmt.Sprintf("Merge pull request #%d\n", number))
		if err != nil {
			return err
		}
		sha = h.String()
		queue := plumbing.NewBranchReferenceName(fmt.Sprintf("gh-readonly-queue/%s/pr-%d-%s", p.BaseRef, number, base))
		p.repo.refs[queue] = h
		s.deliverMergeGroup(p, queue, h, base)
		return nil
	})
	return sha, err
}
