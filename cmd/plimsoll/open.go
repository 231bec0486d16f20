package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/server"
)

// newOpenTrees wires git to the App: trees are fetched from the one GitHub host
// that the settings name, with the installation's token.
func newOpenTrees(cfg config.GitHub) func(*github.Client, string, *slog.Logger) (server.OpenTrees, error) {
	return func(client *github.Client, dir string, log *slog.Logger) (server.OpenTrees, error) {
		u, err := url.Parse(cfg.URL)
		if err != nil {
			return nil, err
		}
		transport, err := github.NewTransport(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		remote := gitrepo.NewRemote(gitrepo.Options{
			HTTPClient: &http.Client{Transport: transport}, TreesAlone: true, CacheDir: filepath.Join(dir, "git"), AllowedHost: u.Host, UserAgent: "git/plimsoll-" + version,
		})
		return func(ctx context.Context, pr github.PullRequest, base string) (reviewer.Trees, func(), error) {
			trees, err := remote.Open(ctx, gitrepo.Request{
				URL: client.CloneURL(pr),
				Authorize: func(ctx context.Context) (string, string, error) {
					token, err := client.GitToken(ctx, pr)
					return "x-access-token", token, err
				},
				Base: base, Head: pr.HeadSHA, HeadRef: pr.HeadRef(),
				Fallback: restObjects{client.Objects(pr)},
			})
			if err != nil {
				return nil, nil, err
			}
			return trees, func() {
				s := trees.Stats()
				log.DebugContext(ctx, "fetched", "repository", pr.Owner+"/"+pr.Repo, "pull_request", pr.Number, "requests", s.Requests, "bytes", s.Received, "cached", s.Cached, "took", s.Elapsed.String())
			}, nil
		}, nil
	}
}

// restObjects gives GitHub's REST objects in git's terms.
type restObjects struct{ *github.Objects }

func (o restObjects) Tree(ctx context.Context, sha string) ([]gitrepo.TreeEntry, error) {
	entries, err := o.Objects.Tree(ctx, sha)
	if err != nil {
		return nil, err
	}
	out := make([]gitrepo.TreeEntry, len(entries))
	for i, e := range entries {
		out[i] = gitrepo.TreeEntry(e)
	}
	return out, nil
}
