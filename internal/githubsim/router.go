package githubsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// endpoint is one REST endpoint.
type endpoint struct {
	method, path string
	// app: authenticated by the App's JWT instead of an installation token.
	app bool
	// open: authenticated by nothing.
	open bool
	// permission (alternatives separated by |) that the token needs for the
	// repository of the path; "" where there is no repository.
	permission, level string
	handle            func(*call) (int, any, error)
}

// call is a request to an endpoint. s.mu is held while it is handled.
type call struct {
	*exchange
	app   *App   // whose JWT or token it is
	token *token // nil for a JWT
	repo  *repository
	actor *Account // the App's bot
}

// router finds endpoints by path. http.ServeMux refuses pairs that GitHub has,
// such as /pulls/{number}/comments and /pulls/comments/{id}.
type router struct {
	s   *Server
	all []endpoint
}

func newRouter(s *Server) *router {
	return &router{s: s, all: slices.Concat(
		appEndpoints(), repositoryEndpoints(), pullEndpoints(), checkEndpoints(), commentEndpoints(), scanningEndpoints(), manifestEndpoints())}
}

// match finds the endpoint of a request and its path parameters. Where several
// fit, the one with the earlier literal segment counts.
func (rt *router) match(method, escapedPath string) (*endpoint, map[string]string) {
	got := strings.Split(strings.TrimPrefix(escapedPath, "/api/v3"), "/")
	for i := range got {
		text, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, nil
		}
		got[i] = text
	}
	var best *endpoint
	var bestValues map[string]string
	for i := range rt.all {
		e := &rt.all[i]
		if e.method != method {
			continue
		}
		if values, ok := e.matches(got); ok && (best == nil || moreLiteral(e.path, best.path)) {
			best, bestValues = e, values
		}
	}
	return best, bestValues
}

// moreLiteral says whether a has a literal segment where b first has none.
func moreLiteral(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		if la, lb := !strings.HasPrefix(as[i], "{"), !strings.HasPrefix(bs[i], "{"); la != lb {
			return la
		}
	}
	return false
}

func (e *endpoint) matches(got []string) (map[string]string, bool) {
	want := strings.Split(e.path, "/")
	values := map[string]string{}
	for i, w := range want {
		name, isParam := strings.CutPrefix(w, "{")
		if rest, ok := strings.CutSuffix(name, "...}"); isParam && ok {
			if i >= len(got) {
				return nil, false
			}
			values[rest] = strings.Join(got[i:], "/")
			return values, true
		}
		switch {
		case i >= len(got):
			return nil, false
		case isParam && got[i] != "":
			values[strings.TrimSuffix(name, "}")] = got[i]
		case w != got[i]:
			return nil, false
		}
	}
	return values, len(got) == len(want)
}

func (rt *router) template(r *http.Request) string {
	e, _ := rt.match(r.Method, r.URL.EscapedPath())
	if e == nil {
		return r.Method + " (no such endpoint)"
	}
	return e.template()
}

func (rt *router) serve(x *exchange) {
	e, values := rt.match(x.r.Method, x.r.URL.EscapedPath())
	if e == nil {
		x.fail(notFound())
		return
	}
	for name, value := range values {
		x.r.SetPathValue(name, value)
	}
	s := rt.s
	s.mu.Lock()
	defer s.mu.Unlock()
	status, body, err := e.run(&call{exchange: x})
	if err != nil {
		var api *apiError
		if !errors.As(err, &api) {
			api = &apiError{status: 500, message: "Server Error: " + err.Error()}
		}
		x.fail(api)
		return
	}
	x.header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	x.reply(status, body)
}

func (e *endpoint) run(c *call) (int, any, error) {
	credential := bearer(c.r)
	if e.open {
		return e.handle(c)
	}
	if e.app {
		if credential == "" {
			return 0, nil, unauthorized("A JSON web token could not be decoded")
		}
		app, err := c.s.appOf(credential)
		if err != nil {
			return 0, nil, err
		}
		c.app = app
		return e.handle(c)
	}
	t, err := c.s.tokenOf(credential)
	if err != nil {
		return 0, nil, err
	}
	c.token, c.app, c.actor = t, t.installation.app, t.installation.app.Bot
	c.InstallationID = t.installation.id
	if err := c.countRate(t.installation, "core"); err != nil {
		return 0, nil, err
	}
	if name := c.r.PathValue("owner"); name != "" {
		c.repo = c.s.repos[strings.ToLower(name+"/"+c.r.PathValue("repo"))]
		if c.repo == nil {
			return 0, nil, notFound()
		}
		if err := t.may(c.repo, e.permission, e.level); err != nil {
			return 0, nil, err
		}
	}
	return e.handle(c)
}

// decode reads the JSON body; GitHub takes an empty one for an empty object.
func (c *call) decode(into any) error {
	if len(strings.TrimSpace(string(c.body))) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return &apiError{status: 422, message: fmt.Sprintf("Invalid request.\n\nFor '%s', %s is not a %s.", kind.Field, kind.Value, kind.Type)}
		}
		return &apiError{status: 400, message: "Problems parsing JSON"}
	}
	return nil
}

// number reads a numeric path parameter.
func (c *call) number(name string) (int64, error) {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil {
		return 0, notFound()
	}
	return n, nil
}

// pull finds the pull request of the path.
func (c *call) pull(name string) (*pull, error) {
	n, err := c.number(name)
	if err != nil {
		return nil, err
	}
	p := c.repo.pull(int(n))
	if p == nil {
		return nil, notFound()
	}
	return p, nil
}

func (r *repository) pull(number int) *pull {
	for _, p := range r.pulls {
		if p.Number == number {
			return p
		}
	}
	return nil
}

// page gives the part of items that the request asks for and sets Link.
func page[T any](c *call, items []T) []T {
	q := c.r.URL.Query()
	per := clampQuery(q.Get("per_page"), 30, 100)
	n := clampQuery(q.Get("page"), 1, 1<<20)
	last := max(1, (len(items)+per-1)/per)
	var links []string
	link := func(rel string, n int) {
		q.Set("page", strconv.Itoa(n))
		u := url.URL{Path: c.r.URL.Path, RawQuery: q.Encode()}
		links = append(links, fmt.Sprintf("<%s/api/v3%s>; rel=%q", c.s.baseURL, u.String(), rel))
	}
	if n > 1 {
		link("prev", n-1)
		link("first", 1)
	}
	if n < last {
		link("next", n+1)
		link("last", last)
	}
	if links != nil {
		c.header.Set("Link", strings.Join(links, ", "))
	}
	from := min((n-1)*per, len(items))
	return items[from:min(from+per, len(items))]
}

func clampQuery(s string, standard, most int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return standard
	}
	return min(n, most)
}

// render maps items to JSON values; never nil, so that it is written [].
func render[T any](items []T, f func(T) any) []any {
	out := make([]any, 0, len(items))
	for _, i := range items {
		out = append(out, f(i))
	}
	return out
}

// newestFirst gives a reversed copy.
func newestFirst[T any](items []T) []T {
	out := slices.Clone(items)
	slices.Reverse(out)
	return out
}

// Endpoints gives every REST endpoint that is served, as GitHub's documentation
// writes it: "GET /repos/{owner}/{repo}".
func Endpoints() []string {
	var out []string
	for _, e := range newRouter(nil).all {
		out = append(out, e.template())
	}
	return out
}

// Match gives the endpoint that a request goes to and its path parameters; ""
// when it is none of REST's.
func (s *Server) Match(r *http.Request) (template string, params map[string]string) {
	e, values := s.routes.match(r.Method, r.URL.EscapedPath())
	if e == nil {
		return "", nil
	}
	return e.template(), values
}

func (e *endpoint) template() string {
	return e.method + " " + strings.Replace(e.path, "...}", "}", 1)
}
