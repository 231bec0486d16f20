package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"
)

// Bounds of what is read of the App as a whole.
const (
	maxDeliveryPages   = 50 // 100 deliveries a page
	maxAccountPages    = 100
	maxRepositoryPages = 100
	maxOpenPages       = 10
)

// asApp gives a client that speaks as the App itself, not as an installation.
func (c *Client) asApp() *gh.Client {
	apps := ghinstallation.NewAppsTransportFromPrivateKey(&courier{c: c}, c.opt.AppID, c.key)
	apps.BaseURL = c.apiBase()
	rest := gh.NewClient(&http.Client{Transport: apps})
	rest.BaseURL = c.api
	rest.UserAgent = userAgent
	return rest
}

// Delivery is one attempt of GitHub to deliver a webhook.
type Delivery struct {
	ID        int64
	GUID      string // X-GitHub-Delivery, the same for every attempt
	Event     string
	Delivered time.Time
	OK        bool // it was answered with a success
}

// Deliveries gives the attempts to deliver the App's webhooks since a time,
// newest first. cut says that there are more than are read at once.
func (c *Client) Deliveries(ctx context.Context, since time.Time) (out []Delivery, cut bool, err error) {
	rest := c.asApp()
	opts := &gh.ListCursorOptions{PerPage: perPage}
	for range maxDeliveryPages {
		page, resp, err := rest.Apps.ListHookDeliveries(reading(ctx, "deliveries"), opts)
		if err != nil {
			return nil, false, explain(ctx, "deliveries of the App", err)
		}
		for _, d := range page {
			at := d.GetDeliveredAt().Time
			if at.Before(since) {
				return out, false, nil
			}
			out = append(out, Delivery{ID: d.GetID(), GUID: d.GetGUID(), Event: d.GetEvent(), Delivered: at,
				OK: d.GetStatusCode() >= 200 && d.GetStatusCode() < 300})
		}
		if resp.Cursor == "" || resp.Cursor == opts.Cursor {
			return out, false, nil
		}
		opts.Cursor = resp.Cursor
	}
	return out, true, nil
}

// Redeliver asks GitHub to deliver once more what Delivery.ID names.
func (c *Client) Redeliver(ctx context.Context, id int64) error {
	// The receiver knows a delivery again, so asking twice does no harm.
	_, _, err := c.asApp().Apps.RedeliverHookDelivery(reading(ctx, "redeliver"), id)
	var accepted *gh.AcceptedError
	if errors.As(err, &accepted) {
		return nil
	}
	return explain(ctx, "redelivery", err)
}

// Installation is an account that has the App installed.
type Installation struct {
	ID        int64
	Account   string
	Suspended bool
}

// Installations lists the App's installations.
func (c *Client) Installations(ctx context.Context) ([]Installation, error) {
	rest := c.asApp()
	opts := &gh.ListOptions{Page: 1, PerPage: perPage}
	var out []Installation
	for range maxAccountPages {
		page, resp, err := rest.Apps.ListInstallations(reading(ctx, "installations"), opts)
		if err != nil {
			return nil, explain(ctx, "installations of the App", err)
		}
		for _, in := range page {
			out = append(out, Installation{ID: in.GetID(), Account: in.GetAccount().GetLogin(), Suspended: in.SuspendedAt != nil})
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	return out, nil
}

// Repository is one that an installation covers.
type Repository struct {
	InstallationID, ID int64
	Owner, Name        string
}

// Repositories lists those of an installation that can have open pull requests.
func (c *Client) Repositories(ctx context.Context, installation int64) ([]Repository, error) {
	rest := c.access(accessKey{installation: installation, grant: grantSurvey}).rest
	opts := &gh.ListOptions{Page: 1, PerPage: perPage}
	var out []Repository
	for range maxRepositoryPages {
		page, resp, err := rest.Apps.ListRepos(reading(ctx, "repositories"), opts)
		if err != nil {
			return nil, explain(ctx, "repositories of the installation", err)
		}
		for _, r := range page.Repositories {
			if !r.GetArchived() && !r.GetDisabled() && validName(r.GetOwner().GetLogin()) && validName(r.GetName()) {
				out = append(out, Repository{InstallationID: installation, ID: r.GetID(), Owner: r.GetOwner().GetLogin(), Name: r.GetName()})
			}
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	return out, nil
}

// OpenPull is an open pull request at its present head.
type OpenPull struct {
	Number                    int
	HeadSHA, BaseSHA, BaseRef string
	HeadRepoID                int64
	Draft                     bool
}

// OpenPulls lists the open pull requests of a repository, at most 1,000. etag is
// what an earlier call gave, "" for none: where nothing has changed since,
// changed is false and the call counts against no limit.
func (c *Client) OpenPulls(ctx context.Context, r Repository, etag string) (pulls []OpenPull, next string, changed bool, err error) {
	a := c.access(accessKey{installation: r.InstallationID, grant: grantSurvey})
	for page := 1; page <= maxOpenPages; page++ {
		req, err := a.rest.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/pulls?state=open&per_page=%d&page=%d", r.Owner, r.Name, perPage, page), nil)
		if err != nil {
			return nil, "", false, fmt.Errorf("open pull requests: %w", err)
		}
		if etag != "" && page == 1 {
			req.Header.Set("If-None-Match", etag)
		}
		var got []*gh.PullRequest
		resp, err := a.rest.Do(reading(ctx, "open pulls"), req, &got)
		switch {
		case err != nil && status(err) == http.StatusNotModified && page == 1:
			return nil, etag, false, nil
		case err != nil:
			return nil, "", false, explain(ctx, "open pull requests", err)
		case page == 1 && len(got) < perPage:
			// Of several pages the first says nothing of the others.
			next = resp.Header.Get("ETag")
		}
		for _, p := range got {
			if p.GetState() == "open" && p.GetNumber() > 0 && shaPattern.MatchString(p.GetHead().GetSHA()) {
				pulls = append(pulls, OpenPull{Number: p.GetNumber(), HeadSHA: p.GetHead().GetSHA(), BaseSHA: p.GetBase().GetSHA(),
					BaseRef: p.GetBase().GetRef(), HeadRepoID: p.GetHead().GetRepo().GetID(), Draft: p.GetDraft()})
			}
		}
		if len(got) < perPage {
			break
		}
	}
	return pulls, next, true, nil
}

// Covered reports whether our App has a check run for pr at its head. What
// memory knows costs no call.
func (c *Client) Covered(ctx context.Context, pr PullRequest) (bool, error) {
	if c.Published(ctx, pr) {
		return true, nil
	}
	numbers, err := c.covered(ctx, pr)
	if err != nil {
		return false, err
	}
	for _, n := range numbers {
		if n == pr.Number {
			return true, nil
		}
	}
	return false, nil
}

// InstallationOf gives the installation that covers a repository. ErrGone when
// the App is not installed there.
func (c *Client) InstallationOf(ctx context.Context, owner, repo string) (Repository, error) {
	if !validName(owner) || !validName(repo) {
		return Repository{}, fmt.Errorf("%w: %q is no repository", ErrGone, cutBytes(owner+"/"+repo, 200))
	}
	in, _, err := c.asApp().Apps.FindRepositoryInstallation(reading(ctx, "installation of repository"), owner, repo)
	if err != nil {
		return Repository{}, explain(ctx, "installation of "+owner+"/"+repo, err)
	}
	got, _, err := c.access(accessKey{installation: in.GetID(), name: repo, grant: grantSurvey}).rest.Repositories.Get(reading(ctx, "repository"), owner, repo)
	if err != nil {
		return Repository{}, explain(ctx, "repository "+owner+"/"+repo, err)
	}
	return Repository{InstallationID: in.GetID(), ID: got.GetID(), Owner: got.GetOwner().GetLogin(), Name: got.GetName()}, nil
}

// MergedPull is a pull request that was merged.
type MergedPull struct {
	Number           int
	Title            string
	HeadSHA, BaseSHA string // BaseSHA: the base branch's tip as the pull request last knew it
	Merged           time.Time
}

// MergedPulls lists the pull requests of a repository that were merged since a
// time, at most most, the last merged ones first as far as GitHub's order by
// update tells.
func (c *Client) MergedPulls(ctx context.Context, r Repository, since time.Time, most int) ([]MergedPull, error) {
	rest := c.access(accessKey{installation: r.InstallationID, repository: r.ID, grant: grantSurvey}).rest
	opts := &gh.PullRequestListOptions{State: "closed", Sort: "updated", Direction: "desc", ListOptions: gh.ListOptions{Page: 1, PerPage: perPage}}
	var out []MergedPull
	for len(out) < most {
		page, resp, err := rest.PullRequests.List(reading(ctx, "merged pulls"), r.Owner, r.Name, opts)
		if err != nil {
			return nil, explain(ctx, "merged pull requests", err)
		}
		for _, p := range page {
			if p.GetUpdatedAt().Before(since) {
				return out, nil // what was merged since was updated since
			}
			if p.MergedAt == nil || p.GetMergedAt().Before(since) || !shaPattern.MatchString(p.GetHead().GetSHA()) {
				continue
			}
			if out = append(out, MergedPull{Number: p.GetNumber(), Title: p.GetTitle(), HeadSHA: p.GetHead().GetSHA(), BaseSHA: p.GetBase().GetSHA(), Merged: p.GetMergedAt().Time}); len(out) == most {
				break
			}
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	return out, nil
}
