package github

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"
)

const (
	maxAccesses = 1024
	accessIdle  = 50 * time.Minute
	// How long an installation that refused contents: write is not asked again.
	refusedFor = 10 * time.Minute
)

// ParsePrivateKey reads an RSA key from PEM, PKCS#1 or PKCS#8. The error says
// nothing of the key's content.
func ParsePrivateKey(data []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("not a PEM block; give the file that GitHub let you download")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the PEM block %q is not a private key in PKCS#1 or PKCS#8 form", block.Type)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not an RSA key")
	}
	return key, nil
}

// grant is a set of permissions that a token is narrowed to.
type grant uint8

const (
	grantReview   grant = iota // what every review needs
	grantSettle                // resolving threads: GitHub asks for contents: write
	grantConfig                // reading the organisation's configuration
	grantScanning              // uploading to code scanning
	grantSurvey                // listing repositories and their pull requests, of the whole installation
)

func (g grant) permissions() *gh.InstallationPermissions {
	read, write := gh.String("read"), gh.String("write")
	switch g {
	case grantSettle:
		return &gh.InstallationPermissions{Metadata: read, Contents: write, PullRequests: write}
	case grantConfig:
		return &gh.InstallationPermissions{Metadata: read, Contents: read}
	case grantScanning:
		return &gh.InstallationPermissions{Metadata: read, SecurityEvents: write}
	case grantSurvey:
		return &gh.InstallationPermissions{Metadata: read, PullRequests: read}
	}
	return &gh.InstallationPermissions{Metadata: read, Contents: read, Checks: write, PullRequests: write}
}

// accessKey names one token: GitHub narrows it to a repository, by id or, where
// the id is not known, by name.
type accessKey struct {
	installation, repository int64
	name                     string
	grant                    grant
}

// access is one token and the clients that use it.
type access struct {
	c    *Client
	key  accessKey
	rest *gh.Client
	http *http.Client
	used time.Time // guarded by Client.mu

	mu    sync.Mutex
	token *ghinstallation.Transport
}

// access gives the access of a key, from the cache where it is there.
func (c *Client) access(key accessKey) *access {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opt.Now()
	if a, ok := c.accesses[key]; ok && now.Sub(a.used) < accessIdle {
		a.used = now
		return a
	}
	if len(c.accesses) >= maxAccesses {
		c.evict(now)
	}
	a := &access{c: c, key: key, used: now, token: c.installation(key)}
	a.http = &http.Client{Transport: &courier{c: c, installation: key.installation, auth: a.authorization}}
	a.rest = gh.NewClient(a.http)
	a.rest.BaseURL = c.api
	a.rest.UserAgent = userAgent
	c.accesses[key] = a
	return a
}

// evict drops what is idle, or else the one that was used longest ago. The
// caller holds c.mu.
func (c *Client) evict(now time.Time) {
	var oldest *access
	for k, a := range c.accesses {
		if now.Sub(a.used) >= accessIdle {
			delete(c.accesses, k)
			continue
		}
		if oldest == nil || a.used.Before(oldest.used) {
			oldest = a
		}
	}
	if oldest != nil && len(c.accesses) >= maxAccesses {
		delete(c.accesses, oldest.key)
	}
}

// installation makes the holder of one token. Each has an AppsTransport of its
// own, since refreshing writes to it.
func (c *Client) installation(key accessKey) *ghinstallation.Transport {
	carrier := &courier{c: c, installation: key.installation, fixed: &call{name: "token", repeatable: true}}
	apps := ghinstallation.NewAppsTransportFromPrivateKey(carrier, c.opt.AppID, c.key)
	apps.BaseURL = c.apiBase()
	t := ghinstallation.NewFromAppsTransport(apps, key.installation)
	t.InstallationTokenOptions = &gh.InstallationTokenOptions{Permissions: key.grant.permissions()}
	switch {
	case key.repository != 0:
		t.InstallationTokenOptions.RepositoryIDs = []int64{key.repository}
	case key.name != "":
		t.InstallationTokenOptions.Repositories = []string{key.name}
	}
	return t
}

func (c *Client) apiBase() string {
	u := *c.api
	return u.String()[:len(u.String())-1]
}

func (a *access) authorization(ctx context.Context, renew bool) (string, error) {
	token, err := a.accessToken(ctx, renew)
	if err != nil {
		return "", err
	}
	return "token " + token, nil
}

// accessToken gives a token that is valid for at least a minute; with renew one
// that is fetched anew.
func (a *access) accessToken(ctx context.Context, renew bool) (string, error) {
	a.mu.Lock()
	if renew {
		a.token = a.c.installation(a.key)
	}
	holder := a.token
	a.mu.Unlock()
	token, err := holder.Token(ctx)
	if err == nil {
		return token, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return "", fmt.Errorf("installation token: %w", cause)
	}
	var limit *LimitError
	if errors.As(err, &limit) {
		return "", limit
	}
	var refused *ghinstallation.HTTPError
	if errors.As(err, &refused) && refused.Response != nil {
		s := &statusError{call: "installation token", status: refused.Response.StatusCode}
		switch s.status {
		case http.StatusUnauthorized:
			return "", fmt.Errorf("%w: %w", ErrCredentials, s)
		case http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
			// Suspended, uninstalled, the repository taken away, or a
			// permission not granted.
			return "", fmt.Errorf("%w: %w", ErrGone, s)
		}
		return "", s
	}
	return "", fmt.Errorf("installation token: %w", err)
}

// review gives the access that a review of pr needs.
func (c *Client) review(pr PullRequest) *access {
	return c.access(accessKey{installation: pr.InstallationID, repository: pr.RepositoryID, grant: grantReview})
}

// GitToken gives a token that git can read pr's repository with, as the password
// of user "x-access-token". It is valid for at least a minute.
func (c *Client) GitToken(ctx context.Context, pr PullRequest) (string, error) {
	return c.review(pr).accessToken(ctx, false)
}

// CheckCredentials asks GitHub for the App itself. The error is ErrCredentials
// when it does not know the App by its id and key.
func (c *Client) CheckCredentials(ctx context.Context) error {
	_, err := c.app(ctx)
	return err
}

// app gives the App's slug, "" where the answer has none; its comments are by "<slug>[bot]".
func (c *Client) app(ctx context.Context) (slug string, err error) {
	carrier := &courier{c: c, fixed: &call{name: "app", repeatable: true}}
	apps := ghinstallation.NewAppsTransportFromPrivateKey(carrier, c.opt.AppID, c.key)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.apiBase()+"/app", nil)
	if err != nil {
		return "", fmt.Errorf("app: %w", err)
	}
	resp, err := apps.RoundTrip(req)
	if err != nil {
		return "", explain(ctx, "app", err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusNotFound:
		return "", ErrCredentials
	case resp.StatusCode != http.StatusOK:
		return "", &statusError{call: "app", status: resp.StatusCode}
	}
	var got struct{ Slug string }
	_ = json.NewDecoder(resp.Body).Decode(&got) // without a slug the credentials are good all the same
	return got.Slug, nil
}
