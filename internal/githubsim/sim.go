// Package githubsim is a simulated GitHub inside the process: REST and GraphQL
// as a GitHub App uses them, git over HTTP, and webhook deliveries with
// signatures, over state that a test can look into. The tests and
// `plimsoll demo` run the App against it. It keeps everything in memory and
// needs neither the network nor a git binary.
//
// What it answers is held against GitHub's own descriptions in its tests; what
// those leave open (which lines can be commented on, how long texts may be)
// is checked by hand and refused with GitHub's words.
package githubsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options sets up a Server. The zero value is usable.
type Options struct {
	// Clock gives the present; nil is time.Now. Tokens expire by it.
	Clock func() time.Time
	// Logger gets one line a request at debug level; nil discards.
	Logger *slog.Logger
	// RateLimit is how many API requests an installation has in an hour; 0 is
	// GitHub's 5,000.
	RateLimit int
	// Faults is asked once a request and may make it go wrong; nil for none. It
	// is called from several goroutines.
	Faults func(Exchange) *Fault
	// Git restricts what the git server offers.
	Git GitOptions
	// WebhookClient posts deliveries; nil is a client with GitHub's 10 s limit.
	WebhookClient *http.Client
	// Front makes what Start serves, around Handler; nil serves Handler itself.
	// Tests put simtest.Validate here.
	Front func(*Server) http.Handler
	// SamplePush makes the prepared push of the page's "Push a fix" button; nil
	// leaves the button out.
	SamplePush func(PullRequest) (Push, bool)
}

// GitOptions restricts the git server.
type GitOptions struct {
	NoFilter    bool // partial clone is not offered
	NoSHAInWant bool // only the tips of refs may be wanted
}

// Server is a simulated GitHub. All methods are safe for concurrent use.
type Server struct {
	opts   Options
	clock  func() time.Time
	log    *slog.Logger
	routes *router
	web    http.Handler
	hooks  *dispatcher
	seen   *requestLog
	cancel context.CancelFunc

	mu            sync.Mutex
	listener      net.Listener
	http          *http.Server
	baseURL       string
	nextID        int64
	version       int64 // grows with each change of state
	changed       chan struct{}
	accounts      map[string]*Account // by lower-case login
	apps          map[int64]*App
	installations map[int64]*installation
	tokens        map[string]*token
	repos         map[string]*repository // by lower-case owner/name
	codes         map[string]*App        // of Apps made from a manifest
}

// New makes a Server that serves nothing yet: mount Handler, or call Start.
func New(opts Options) (*Server, error) {
	if opts.RateLimit < 0 {
		return nil, fmt.Errorf("githubsim: rate limit %d is below zero", opts.RateLimit)
	}
	if opts.RateLimit == 0 {
		opts.RateLimit = 5000
	}
	s := &Server{
		opts:  opts,
		clock: opts.Clock,
		log:   opts.Logger,
		seen:  newRequestLog(),
		// Ids beyond 32 bits, as GitHub's are.
		nextID:        5_000_000_000,
		changed:       make(chan struct{}),
		accounts:      map[string]*Account{},
		apps:          map[int64]*App{},
		installations: map[int64]*installation{},
		tokens:        map[string]*token{},
		repos:         map[string]*repository{},
		codes:         map[string]*App{},
		baseURL:       "http://127.0.0.1",
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	client := opts.WebhookClient
	if client == nil {
		client = &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.hooks = newDispatcher(ctx, client, s.clock)
	s.routes = newRouter(s)
	return s, nil
}

// Start serves on a loopback address until Close. addr is a host and port to
// listen on; "" takes a free port of 127.0.0.1.
func (s *Server) Start(addr string) error {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("githubsim: listen: %w", err)
	}
	h := s.Handler()
	if s.opts.Front != nil {
		h = s.opts.Front(s)
	}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.mu.Lock()
	if s.listener != nil {
		s.mu.Unlock()
		return errors.Join(errors.New("githubsim: already started"), l.Close())
	}
	s.listener, s.http = l, srv
	s.baseURL = "http://" + l.Addr().String()
	s.mu.Unlock()
	go func() {
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("simulated GitHub stopped", "err", err)
		}
	}()
	return nil
}

// SetURL says under which address Handler is reached, where Start is not used.
func (s *Server) SetURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseURL = strings.TrimSuffix(url, "/")
}

// URL gives the web address, without a final slash. Repositories are fetched
// from <URL>/<owner>/<repo>.git.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.baseURL
}

// APIURL gives the base of REST, without a final slash.
func (s *Server) APIURL() string { return s.URL() + "/api/v3" }

// GraphQLURL gives the address of GraphQL.
func (s *Server) GraphQLURL() string { return s.URL() + "/api/graphql" }

// Logger gives the logger of the options.
func (s *Server) Logger() *slog.Logger { return s.log }

// Close stops serving and delivering.
func (s *Server) Close() error {
	s.cancel()
	s.hooks.wait()
	s.mu.Lock()
	srv := s.http
	s.http = nil
	s.mu.Unlock()
	if srv == nil {
		return nil
	}
	return srv.Close()
}

// SetPages mounts the web pages, which get every request that is neither the
// API's nor git's.
func (s *Server) SetPages(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.web = h
}

// apiRoots are the first path segments of REST, by which requests to this host
// as an API host are told from web pages.
var apiRoots = map[string]bool{
	"app": true, "apps": true, "app-manifests": true, "installation": true, "repos": true,
	"users": true, "orgs": true, "rate_limit": true, "meta": true,
}

// Handler serves REST below /api/v3 and at /, GraphQL at /api/graphql and
// /graphql, git at /<owner>/<repo>.git, and the pages elsewhere.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		switch {
		case path == "/api/graphql" || path == "/graphql":
			s.exchange(w, r, KindGraphQL, s.serveGraphQL)
		case strings.HasPrefix(path, "/api/v3/"):
			s.exchange(w, r, KindREST, func(x *exchange) {
				x.r = stripPrefix(x.r, "/api/v3")
				s.routes.serve(x)
			})
		case isManifestForm(r):
			s.takeManifest(w, r)
		case strings.Contains(path, ".git/"):
			s.exchange(w, r, KindGit, s.serveGit)
		default:
			first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			if apiRoots[first] {
				s.exchange(w, r, KindREST, s.routes.serve)
				return
			}
			s.mu.Lock()
			web := s.web
			s.mu.Unlock()
			if web == nil {
				http.NotFound(w, r)
				return
			}
			web.ServeHTTP(w, r)
		}
	})
}

func stripPrefix(r *http.Request, prefix string) *http.Request {
	r2 := r.Clone(r.Context())
	r2.URL.Path = strings.TrimPrefix(r.URL.Path, prefix)
	r2.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, prefix)
	return r2
}

// id gives the next id. s.mu is held.
func (s *Server) id() int64 {
	s.nextID++
	return s.nextID
}

// now gives the present in GitHub's resolution.
func (s *Server) now() time.Time { return s.clock().UTC().Truncate(time.Second) }

// touch says that state has changed. s.mu is held.
func (s *Server) touch() {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Version gives a number that grows with each change of state, and a channel
// that is closed at the next change.
func (s *Server) Version() (int64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.changed
}

// Wait returns nil as soon as cond holds. cond is called after each change of
// state, without locks held, so that it may use any method of s.
func (s *Server) Wait(ctx context.Context, cond func() bool) error {
	for {
		_, changed := s.Version()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("githubsim: wait: %w", context.Cause(ctx))
		}
	}
}

const maxRequestBody = 10 << 20

func readBody(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxRequestBody+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxRequestBody {
		return nil, errors.New("request body is too large")
	}
	return b, nil
}
