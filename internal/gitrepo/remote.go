package gitrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// ErrMoved is in the chain of the error about a head that the server does not
// give any more because its reference has moved on: a newer push came.
var ErrMoved = errors.New("the head has moved on")

// Options says how remotes are fetched from and bounds what is taken. A zero
// bound has its default.
type Options struct {
	// CacheDir keeps objects between reviews; it may be deleted at any time
	// and shared by processes. "" keeps nothing.
	CacheDir string
	// TreesAlone keeps folders and commits in the cache, and no file's content.
	TreesAlone bool
	// CacheBytes bounds the cache, about: 1 GiB.
	CacheBytes int64
	// HTTPClient makes the requests; its CheckRedirect is replaced. nil is a
	// client with timeouts for connecting and for the first byte.
	HTTPClient *http.Client
	// AllowedHost is the one host, with its port if it has one, that is spoken
	// to.
	AllowedHost string
	UserAgent   string // "git/plimsoll"

	MaxPackBytes     int64 // of one answer: 64 MiB
	MaxFullPackBytes int64 // of the answer where the server has no filters: 512 MiB
	MaxBlobBytes     int64 // of one file, inflated: 16 MiB; larger ones can't be opened
	MaxTreeBytes     int64 // of one folder's list, inflated: 32 MiB
	MaxInflated      int64 // of all objects of one answer: 256 MiB
	MaxObjects       int   // of one answer: 50,000
	MaxRequests      int   // for one change: 300
	MaxChanges       int   // paths of one change: 100,000
}

// Request names one change of a remote repository.
type Request struct {
	// URL is where git is fetched from, https (http on loopback alone).
	URL string
	// Authorize gives the credentials of each request; nil or an empty token
	// sends none. The token goes into the Authorization header alone.
	Authorize func(ctx context.Context) (username, token string, err error)
	// Base and Head are the commits to compare, 40 hexadecimal digits. The
	// base is to be the merge base.
	Base, Head string
	// HeadRef is a reference that leads to Head ("refs/pull/7/head"), asked
	// for where the server refuses the SHA by itself. Optional.
	HeadRef string
	// Fallback gives objects where git's protocol does not. Optional.
	Fallback Fallback
}

// Fallback reads objects of a repository over another protocol, such as
// GitHub's REST API. Names are full SHAs.
type Fallback interface {
	// Commit gives the tree of a commit.
	Commit(ctx context.Context, sha string) (tree string, err error)
	// Tree gives the entries of one folder, submodules included.
	Tree(ctx context.Context, sha string) ([]TreeEntry, error)
	// Blob gives a file's content; limit is the most that is of use, in bytes.
	Blob(ctx context.Context, sha string, limit int64) ([]byte, error)
}

// TreeEntry is one entry of a folder.
type TreeEntry struct {
	Name string
	Mode uint32 // as git writes it: 0o100644
	SHA  string
}

// Remote fetches changes of repositories on one host. It is safe for
// concurrent use.
type Remote struct {
	opt    Options
	client *http.Client
	cache  *diskCache
	hosts  *hostCache
}

// NewRemote gives a Remote. It neither connects nor writes.
func NewRemote(o Options) *Remote {
	o.CacheBytes = cmp.Or(o.CacheBytes, 1<<30)
	o.UserAgent = cmp.Or(o.UserAgent, "git/plimsoll")
	o.MaxPackBytes = cmp.Or(o.MaxPackBytes, 64<<20)
	o.MaxFullPackBytes = cmp.Or(o.MaxFullPackBytes, 512<<20)
	o.MaxBlobBytes = cmp.Or(o.MaxBlobBytes, 16<<20)
	o.MaxTreeBytes = cmp.Or(o.MaxTreeBytes, 32<<20)
	o.MaxInflated = cmp.Or(o.MaxInflated, 256<<20)
	o.MaxObjects = cmp.Or(o.MaxObjects, 50_000)
	o.MaxRequests = cmp.Or(o.MaxRequests, 300)
	o.MaxChanges = cmp.Or(o.MaxChanges, 100_000)
	client := o.HTTPClient
	if client == nil {
		client = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   8,
			ForceAttemptHTTP2:     true,
		}}
	}
	return &Remote{
		opt: o, client: confined(client),
		cache: &diskCache{dir: o.CacheDir, limit: o.CacheBytes, treesAlone: o.TreesAlone},
		hosts: &hostCache{known: map[string]knownHost{}, now: time.Now},
	}
}

// Forget deletes what is kept of a repository.
func (r *Remote) Forget(url string) error {
	u, err := checkURL(url, r.opt.AllowedHost)
	if err != nil {
		return err
	}
	return r.cache.forget(cacheKey(u.String()))
}

// Open gets the two commits of a change. Their trees are fetched as they are
// walked and files as they are read; the reads of the Trees honour ctx.
//
// A change that was seen before costs no request as long as its objects are in
// the cache.
func (r *Remote) Open(ctx context.Context, req Request) (*Trees, error) {
	u, err := checkURL(req.URL, r.opt.AllowedHost)
	if err != nil {
		return nil, err
	}
	base, ok := parseHash(req.Base)
	head, ok2 := parseHash(req.Head)
	if !ok || !ok2 {
		return nil, errors.New("base and head must be SHAs of 40 hexadecimal digits")
	}
	objs := &remoteObjects{
		opt: r.opt, cache: r.cache, key: cacheKey(u.String()), fallback: req.Fallback, headRef: req.HeadRef,
		commits: [2]plumbing.Hash{base, head},
		conn:    &conn{client: r.client, url: u, authorize: req.Authorize, agent: r.opt.UserAgent, host: r.hosts},
		trees:   map[plumbing.Hash][]entry{}, blobs: map[plumbing.Hash][]byte{},
		failed: map[plumbing.Hash]error{}, pending: map[plumbing.Hash]bool{},
	}
	trees, err := objs.resolveCommits(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch the commits of the change: %w", err)
	}
	t := newCommitTrees(ctx, objs, trees[0], trees[1], r.opt.MaxChanges)
	t.baseSHA, t.headSHA, t.stats = base.String(), head.String(), objs.statistics
	return t, nil
}
