package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

// stateFor is for how long GitHub may take to send the browser back.
const stateFor = time.Hour

// Setup serves the first-run set-up until an App was made or ctx ends: GitHub's
// App-manifest flow, guarded by a token that stands in the log. ready says that
// the credentials are kept in the data folder, so that config.Load finds them;
// where they were shown once instead, Setup goes on saying so until ctx ends.
func Setup(ctx context.Context, cfg config.Server, parts Parts) (ready bool, err error) {
	s := newSetup(cfg, parts)
	transport, err := github.NewTransport(cfg.GitHub.CAFile)
	if err != nil {
		return false, fmt.Errorf("PLIMSOLL_GITHUB_CA_FILE: %w", err)
	}
	s.exchange = func(ctx context.Context, code string) (github.NewApp, error) {
		return github.ConvertManifest(ctx, transport, cfg.GitHub.APIURL, code)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.kept = cancel
	parts.Log.InfoContext(ctx, "no credentials are set: open this address to make the App", "address", s.address())
	err = serve(ctx, cfg, parts, s.handler(), func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done && s.stored, err
}

// noQueue takes nothing: without credentials no delivery can be known for
// GitHub's.
type noQueue struct{}

func (noQueue) Enqueue(context.Context, jobs.Job) (bool, error) {
	return false, errors.New("the App is not set up yet")
}

// setup is the set-up under way.
type setup struct {
	cfg      config.Server
	log      *slog.Logger
	page     *Server // renders pages, and serves what needs no credentials
	token    string
	exchange func(ctx context.Context, code string) (github.NewApp, error)
	kept     func() // called once the credentials are kept
	now      func() time.Time

	mu      sync.Mutex
	states  map[string]choice // by the state that GitHub hands back
	done    bool              // for good
	stored  bool
	busy    bool // an exchange is under way
	expires map[string]time.Time
}

// choice is what was chosen on the form.
type choice struct{ show bool }

func newSetup(cfg config.Server, parts Parts) *setup {
	s := &setup{
		cfg: cfg, log: parts.Log, token: rand.Text(), now: time.Now, kept: func() {},
		states: map[string]choice{}, expires: map[string]time.Time{},
	}
	missing := func(context.Context) error { return errors.New("no credentials are set") }
	s.page = New(Options{
		Secret: "", Queue: noQueue{}, Translate: nil, Metrics: NewMetrics(parts.Version), Rules: parts.Review.Rules,
		PublicURL: cfg.PublicURL, Log: parts.Log, Checks: []Check{{Name: "credentials", Ask: missing}},
	})
	return s
}

// address is where the set-up begins.
func (s *setup) address() string { return s.cfg.PublicURL + "/setup?token=" + s.token }

func (s *setup) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /setup", s.form)
	mux.HandleFunc("POST /setup", s.choose)
	mux.HandleFunc("GET /setup/done", s.back)
	mux.HandleFunc("/webhook", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "the App is not set up yet", http.StatusServiceUnavailable)
	})
	mux.Handle("/", s.page)
	return s.page.recovered(s.page.secured(mux))
}

// setupPage is what the pages of the set-up show.
type setupPage struct {
	Token, GitHub, Title, Text string
	Organisation               string
	Keep                       bool
	Action                     string // where the manifest goes
	Manifest                   string
	App                        github.NewApp
	Install                    string
}

var organisationPattern = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?$`)

// admits reports whether a request bears the token, and answers where not.
func (s *setup) admits(w http.ResponseWriter, r *http.Request, token string) bool {
	if s.closed() {
		s.say(w, r, http.StatusGone, "The set-up is closed", "An App was made, and its credentials were given. They are not shown again.")
		return false
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
		s.say(w, r, http.StatusForbidden, "The token is missing or wrong", "The server's log has the address of the set-up, with its token. It changes whenever the server starts.")
		return false
	}
	return true
}

func (s *setup) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

func (s *setup) say(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	w.Header().Set("Cache-Control", "no-store")
	s.page.page(w, r, status, "setup-word", setupPage{Title: title, Text: text})
}

func (s *setup) form(w http.ResponseWriter, r *http.Request) {
	if !s.admits(w, r, r.URL.Query().Get("token")) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.page.page(w, r, http.StatusOK, "setup", setupPage{Token: s.token, GitHub: s.cfg.GitHub.URL, Keep: s.mayKeep()})
}

// mayKeep reports whether the data folder is one that every process has.
func (s *setup) mayKeep() bool { return !s.cfg.NATS.URL.IsSet() }

func (s *setup) choose(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if !s.admits(w, r, r.PostFormValue("token")) {
		return
	}
	org := strings.TrimSpace(r.PostFormValue("organisation"))
	name := strings.TrimSpace(r.PostFormValue("name"))
	if org != "" && !organisationPattern.MatchString(org) || name == "" || len([]rune(name)) > 34 {
		s.say(w, r, http.StatusBadRequest, "That cannot be", "The organisation is a login, or empty for your own account. The App's name has 1 to 34 characters.")
		return
	}
	manifest, err := json.Marshal(manifestOf(name, s.cfg.PublicURL, r.PostFormValue("profile") == "full", r.PostFormValue("scanning") == "on"))
	if err != nil {
		s.say(w, r, http.StatusInternalServerError, "That did not work", "The manifest cannot be written.")
		return
	}
	action := s.cfg.GitHub.URL + "/settings/apps/new"
	if org != "" {
		action = s.cfg.GitHub.URL + "/organizations/" + org + "/settings/apps/new"
	}
	state := s.newState(choice{show: r.PostFormValue("keep") == "show" || !s.mayKeep()})
	// The next form goes to GitHub, and GitHub sends the browser back here.
	w.Header().Set("Content-Security-Policy", strings.Replace(w.Header().Get("Content-Security-Policy"), "form-action 'self'", "form-action 'self' "+originOf(s.cfg.GitHub.URL), 1))
	w.Header().Set("Cache-Control", "no-store")
	s.page.page(w, r, http.StatusOK, "setup-go", setupPage{GitHub: s.cfg.GitHub.URL, Organisation: org, Action: action + "?state=" + state, Manifest: string(manifest)})
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (s *setup) newState(c choice) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for state, until := range s.expires {
		if now.After(until) {
			delete(s.states, state)
			delete(s.expires, state)
		}
	}
	state := rand.Text()
	s.states[state], s.expires[state] = c, now.Add(stateFor)
	return state
}

// take gives what was chosen for a state, once.
func (s *setup) take(state string) (choice, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.states[state]
	ok = ok && !s.now().After(s.expires[state]) && !s.busy && !s.done
	if ok {
		s.busy = true
		delete(s.states, state)
		delete(s.expires, state)
	}
	return c, ok
}

// back is where GitHub sends the browser when the App was made.
func (s *setup) back(w http.ResponseWriter, r *http.Request) {
	if s.closed() {
		s.admits(w, r, "")
		return
	}
	chosen, ok := s.take(r.URL.Query().Get("state"))
	if !ok {
		s.say(w, r, http.StatusForbidden, "This did not begin here", "The set-up was begun elsewhere, or more than an hour ago. Begin again at the address in the server's log.")
		return
	}
	app, err := s.exchange(r.Context(), r.URL.Query().Get("code"))
	if err == nil {
		err = s.finish(app, chosen.show)
	}
	s.mu.Lock()
	s.busy = false
	if err == nil {
		s.done, s.stored = true, !chosen.show
	}
	s.mu.Unlock()
	if err != nil {
		s.log.ErrorContext(r.Context(), "the set-up failed", "error", err)
		s.say(w, r, http.StatusBadGateway, "GitHub did not hand over the credentials", "The server's log has the cause. If the App was made, delete it on GitHub and begin again.")
		return
	}
	s.log.InfoContext(r.Context(), "the App is made and the set-up is closed", "app_id", app.ID, "slug", app.Slug, "kept", !chosen.show)
	w.Header().Set("Cache-Control", "no-store")
	page := setupPage{App: app, Keep: !chosen.show, Install: app.HTMLURL + "/installations/new"}
	if !chosen.show {
		page.App.PrivateKey, page.App.WebhookSecret = "", ""
	}
	s.page.page(w, r, http.StatusOK, "setup-done", page)
	if !chosen.show {
		// Answers that are under way are finished first.
		s.kept()
	}
}

func (s *setup) finish(app github.NewApp, show bool) error {
	if show {
		return config.CloseSetup(s.cfg.DataDir, config.SetupClosed{AppID: app.ID, At: s.now()})
	}
	return config.Credentials{
		AppID: app.ID, PrivateKey: config.NewSecret(app.PrivateKey), WebhookSecret: config.NewSecret(app.WebhookSecret),
	}.Store(s.cfg.DataDir)
}

// manifest is an App's manifest, as GitHub takes it.
type manifest struct {
	Name        string `json:"name"`
	URL         string `json:"url"`
	Description string `json:"description"`
	Public      bool   `json:"public"`
	Hook        struct {
		URL    string `json:"url"`
		Active bool   `json:"active"`
	} `json:"hook_attributes"`
	Redirect    string            `json:"redirect_url"`
	Permissions map[string]string `json:"default_permissions"`
	Events      []string          `json:"default_events"`
}

// manifestOf is app.yml for one server: full has contents: write, scanning
// security_events: write.
func manifestOf(name, publicURL string, full, scanning bool) manifest {
	m := manifest{Name: name, URL: "https://github.com/plimsoll-iac/plimsoll", Redirect: publicURL + "/setup/done",
		Description: "Reviews infrastructure code in pull requests for Kubernetes security."}
	m.Hook.URL, m.Hook.Active = publicURL+"/webhook", true
	m.Permissions = map[string]string{
		"metadata": "read", "contents": "read", "checks": "write", "pull_requests": "write",
		"issues": "read", "members": "read", "merge_queues": "read",
	}
	if full {
		m.Permissions["contents"] = "write"
	}
	if scanning {
		m.Permissions["security_events"] = "write"
	}
	m.Events = []string{"pull_request", "check_run", "check_suite", "issue_comment", "pull_request_review_comment", "merge_group", "push"}
	return m
}
