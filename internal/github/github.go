// Package github is the GitHub adapter: App authentication, events in, check
// runs and reviews out, and the reconciliation of what a review wants to say
// with what is already said on the pull request. Its interface is plain Go
// types; nothing of a client library shows through it.
package github

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// CheckName is the name of Plimsoll's check run; organisations require it by
// this name.
const CheckName = "plimsoll"

const userAgent = "plimsoll"

// Memory keeps small values between reviews, such as which check run belongs
// to a head. It may forget; everything in it can be asked of GitHub again.
type Memory interface {
	// Get gives the value last put under key; ok is false when there is none.
	Get(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Put keeps value under key for ttl.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error
}

// Options configures a Client.
type Options struct {
	AppID int64
	// PrivateKey is the App's RSA key, PEM in PKCS#1 or PKCS#8 form.
	PrivateKey []byte
	// WebURL, APIURL and GraphQLURL are the bases that the contract's settings
	// name, without a final slash.
	WebURL, APIURL, GraphQLURL string
	// Transport carries the requests; nil for one with sensible time limits.
	Transport http.RoundTripper
	// Memory may be nil.
	Memory Memory
	// OnCall, when set, is told of every request that was answered: the call's
	// name, the installation (0 for the App itself), the status (0 where there
	// was no answer), and how many requests the limit still allows (-1 when the
	// answer did not say). It must be safe for concurrent use.
	OnCall func(call string, installation int64, status, remaining int)
	// Reserve, when set, takes a place for content that an installation creates
	// if one is free at the time, and else gives how long until there is one. It
	// is for several processes that share GitHub's limits; nil keeps count in
	// this one.
	Reserve func(ctx context.Context, installation int64, now time.Time) (wait time.Duration, err error)
	// DetailsURL is where the check run's "Details" leads; "" for GitHub's page.
	DetailsURL string
	Logger     *slog.Logger // nil discards

	// Now, Sleep and Jitter stand in for the clock, for waiting between tries
	// and for chance (0 ≤ x < 1) in tests; nil for the real ones.
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Jitter func() float64
}

// Client speaks to one GitHub as one App. It is safe for concurrent use.
type Client struct {
	opt     Options
	key     *rsa.PrivateKey
	api     *url.URL // with a final slash
	graphql *url.URL
	log     *slog.Logger

	mu       sync.Mutex
	accesses map[accessKey]*access
	refused  map[int64]time.Time // installation → until when it is taken to refuse contents: write
	blocked  map[int64]time.Time // installation → until when GitHub wants no requests
	paces    map[int64]*pacer    // installation → its created content
	configs  map[string]*ownerConfig
	fresh    map[int64]string // installation → what Forget last noted of it

	// oldServer says that GitHub does not know fullDatabaseId.
	oldServer atomic.Bool
}

// New makes a Client, checking the key and the URLs but not reaching out.
func New(opt Options) (*Client, error) {
	if opt.AppID <= 0 {
		return nil, fmt.Errorf("the App's id must be positive, not %d", opt.AppID)
	}
	key, err := ParsePrivateKey(opt.PrivateKey)
	if err != nil {
		return nil, err
	}
	api, err := base(opt.APIURL)
	if err != nil {
		return nil, fmt.Errorf("API URL: %w", err)
	}
	api.Path = strings.TrimSuffix(api.Path, "/") + "/"
	graphql, err := base(opt.GraphQLURL)
	if err != nil {
		return nil, fmt.Errorf("GraphQL URL: %w", err)
	}
	if _, err := base(opt.WebURL); err != nil {
		return nil, fmt.Errorf("web URL: %w", err)
	}
	opt.WebURL = strings.TrimSuffix(opt.WebURL, "/")
	if opt.Transport == nil {
		opt.Transport = newTransport()
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	if opt.Jitter == nil {
		opt.Jitter = rand.Float64
	}
	if opt.OnCall == nil {
		opt.OnCall = func(string, int64, int, int) {}
	}
	return &Client{
		opt: opt, key: key, api: api, graphql: graphql, log: opt.Logger,
		accesses: map[accessKey]*access{}, refused: map[int64]time.Time{},
		blocked: map[int64]time.Time{}, paces: map[int64]*pacer{}, configs: map[string]*ownerConfig{}, fresh: map[int64]string{},
	}, nil
}

func base(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("not an http or https URL with a host")
	}
	if u.User != nil {
		return nil, errors.New("must not hold a user name or password")
	}
	return u, nil
}

// NewTransport gives what carries requests to GitHub: with limits of time, by
// the proxy that HTTPS_PROXY and NO_PROXY name, and trusting the roots of the
// PEM file ca beside the system's. "" is the system's alone.
func NewTransport(ca string) (*http.Transport, error) {
	t := newTransport()
	if ca == "" {
		return t, nil
	}
	data, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("roots of trust: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("roots of trust: %s holds no certificate in PEM", ca)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t, nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// AppID is the App's id.
func (c *Client) AppID() int64 { return c.opt.AppID }

// PullRequest names a pull request at the head that is reviewed, or, with
// Number 0, a merge queue's group.
type PullRequest struct {
	InstallationID, RepositoryID int64
	Owner, Repo                  string
	Number                       int
	HeadSHA                      string
	BaseSHA                      string // tip of the base branch; of a group its parent commit
	Delivery                     string // that asked for the review; for the log
	// NewHead says that nothing of ours can be at this head yet: the first try
	// of an event that brought the head. A check run is then made without
	// looking for one.
	NewHead bool
	// NewPull says that nothing of ours can be on the pull request yet: the
	// first try of the event that opened it. With nothing to say there is then
	// nothing to reconcile either.
	NewPull bool
}

// logger names in every line what it is about.
func (c *Client) logger(pr PullRequest) *slog.Logger {
	return c.log.With("delivery", pr.Delivery, "repository", pr.Owner+"/"+pr.Repo, "pull_request", pr.Number, "head", pr.HeadSHA)
}

// CloneURL is where git fetches the repository.
func (c *Client) CloneURL(pr PullRequest) string {
	return c.opt.WebURL + "/" + url.PathEscape(pr.Owner) + "/" + url.PathEscape(pr.Repo) + ".git"
}

// HeadRef is the reference of the base repository that holds the head, of forks
// too; "" for a group.
func (pr PullRequest) HeadRef() string {
	if pr.Number == 0 {
		return ""
	}
	return fmt.Sprintf("refs/pull/%d/head", pr.Number)
}
