package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// attempts is how often a request is made that fails on the way or with a
	// server error.
	attempts = 3
	// retryAfter is the first pause between them; it doubles.
	retryAfter = 200 * time.Millisecond
	// maxRedirects bounds redirections within the host.
	maxRedirects = 3
	// maxAdvertisement bounds the answer about capabilities, in bytes.
	maxAdvertisement = 1 << 20
	// capabilitiesFor is how long a host's capabilities are believed.
	capabilitiesFor = time.Hour
)

// ErrNotFound is in the chain of the error about a repository that is not
// there or not for these credentials to see.
var ErrNotFound = errors.New("the repository was not found, or the token may not read it")

// errRedirect says that a redirection was not followed.
var errRedirect = errors.New("a redirection was refused")

// conn speaks with the git server about one repository. It is safe for
// concurrent use.
type conn struct {
	client    *http.Client
	url       *url.URL
	authorize func(context.Context) (username, token string, err error)
	agent     string
	host      *hostCache

	mu    sync.Mutex
	stats Stats
}

// hostCache remembers what hosts are capable of.
type hostCache struct {
	mu    sync.Mutex
	known map[string]knownHost
	now   func() time.Time
}

type knownHost struct {
	caps  capabilities
	until time.Time
}

// checkURL refuses URLs that a token must not be sent to.
func checkURL(raw, allowed string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the repository's URL is malformed")
	}
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.Host == "":
		return nil, errors.New("the repository's URL is malformed: it must be a plain address")
	case allowed == "" || !strings.EqualFold(u.Host, allowed):
		return nil, fmt.Errorf("the repository is at %q, not at %q: another host is refused", u.Host, allowed)
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("the repository's URL has the scheme %q: it must be https", u.Scheme)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// confined gives a client that stays with the host that it was sent to.
func confined(c *http.Client) *http.Client {
	out := *c
	out.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0]
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("%w: there are too many", errRedirect)
		case req.URL.Scheme != first.URL.Scheme || !strings.EqualFold(req.URL.Host, first.URL.Host):
			return fmt.Errorf("%w: it leads to another host", errRedirect)
		case req.Method != first.Method:
			return fmt.Errorf("%w: it changes the request", errRedirect)
		}
		return nil
	}
	return &out
}

// do makes a request and hands the body of a good answer to read, which is
// called again when a later attempt is made.
func (c *conn) do(ctx context.Context, method, path, query string, body []byte, want string, limit int64, read func(io.Reader) error) error {
	pause := retryAfter
	for attempt := 1; ; attempt++ {
		again, err := c.once(ctx, method, path, query, body, want, limit, read)
		if err == nil || !again || attempt == attempts || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		pause *= 2
	}
}

func (c *conn) once(ctx context.Context, method, path, query string, body []byte, want string, limit int64, read func(io.Reader) error) (again bool, err error) {
	u := *c.url
	u.Path += path
	u.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the repository's URL is malformed")
	}
	req.Header.Set("Git-Protocol", "version=2")
	req.Header.Set("User-Agent", c.agent)
	// Compressed answers would make the bound on bytes mean little.
	req.Header.Set("Accept-Encoding", "identity")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
		req.Header.Set("Accept", want)
	}
	if c.authorize != nil {
		user, token, err := c.authorize(ctx)
		if err != nil {
			return false, fmt.Errorf("get a token for the git server: %w", err)
		}
		if token != "" {
			req.SetBasicAuth(user, token)
		}
	}
	start := time.Now()
	resp, err := c.client.Do(req)
	if err != nil {
		c.count(0, time.Since(start))
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // the URL is known
		}
		return !errors.Is(err, errRedirect), fmt.Errorf("reach the git server: %w", err)
	}
	defer resp.Body.Close()
	counted := &countingReader{r: resp.Body, left: limit}
	defer func() { c.count(counted.n, time.Since(start)) }()
	if err := checkStatus(resp, want); err != nil {
		return resp.StatusCode >= 500, err
	}
	err = read(counted)
	if ctx.Err() != nil && err != nil {
		return false, context.Cause(ctx)
	}
	if counted.failed != nil {
		return true, fmt.Errorf("read the git server's answer: %w", counted.failed)
	}
	return false, err
}

func checkStatus(resp *http.Response, want string) error {
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound:
		return fmt.Errorf("%w (status %d)", ErrNotFound, code)
	case code != http.StatusOK:
		return fmt.Errorf("the git server answered with status %d", code)
	}
	if got, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(got), want) {
		return fmt.Errorf("%w: its content type is not %s", errProtocol, want)
	}
	return nil
}

func (c *conn) count(n int64, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Requests++
	c.stats.Received += n
	c.stats.Elapsed += d
}

// countingReader counts and bounds the bytes of an answer.
type countingReader struct {
	r       io.Reader
	n, left int64
	failed  error // of the connection, not of the content
}

func (c *countingReader) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("the git server's answer %w", ErrTooLarge)
	}
	if int64(len(b)) > c.left {
		b = b[:c.left]
	}
	n, err := c.r.Read(b)
	c.n += int64(n)
	c.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		c.failed = err
	}
	return n, err
}

// capabilities asks what the server can do, once a host.
func (c *conn) capabilities(ctx context.Context) (capabilities, error) {
	key := c.url.Scheme + "://" + strings.ToLower(c.url.Host)
	c.host.mu.Lock()
	known, ok := c.host.known[key]
	c.host.mu.Unlock()
	if ok && c.host.now().Before(known.until) {
		return known.caps, nil
	}
	var caps capabilities
	err := c.do(ctx, http.MethodGet, "/info/refs", "service=git-upload-pack", nil, "application/x-git-upload-pack-advertisement", maxAdvertisement, func(r io.Reader) (err error) {
		caps, err = parseAdvertisement(r)
		return err
	})
	if err != nil {
		return caps, err
	}
	if !caps.sha1 {
		return caps, errors.New("the repository is in SHA-256 format, which is not supported")
	}
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	c.host.known[key] = knownHost{caps, c.host.now().Add(capabilitiesFor)}
	return caps, nil
}

// post sends a command to upload-pack.
func (c *conn) post(ctx context.Context, body []byte, limit int64, read func(io.Reader) error) error {
	return c.do(ctx, http.MethodPost, "/git-upload-pack", "", body, "application/x-git-upload-pack-result", limit, read)
}

// fetch makes one fetch request and reads its pack.
func (c *conn) fetch(ctx context.Context, f fetchRequest, bytes int64, limits packLimits) (*pack, error) {
	f.agent = c.agent
	var out *pack
	err := c.post(ctx, f.encode(), bytes, func(r io.Reader) error {
		stream, err := packStream(r)
		if err != nil {
			return err
		}
		out, err = readPack(stream, limits)
		return err
	})
	return out, err
}
