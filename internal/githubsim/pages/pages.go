// Package pages shows a simulated GitHub to a person: its pull requests with
// their diff, the conversation and the checks, and buttons that act through the
// simulated GitHub's webhooks. Everything works without script; a little of it
// keeps an open page up to date.
package pages

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

const (
	maxForm  = 128 << 10 // bytes of a form
	pollTime = 25 * time.Second
)

type pages struct {
	s         *githubsim.Server
	log       *slog.Logger
	templates *template.Template
}

// New makes the pages of a simulated GitHub; mount them with
// githubsim.Server.SetPages. The pages act as each pull request's author.
func New(s *githubsim.Server) http.Handler {
	p := &pages{s: s, log: s.Logger()}
	p.templates = template.Must(template.New("").Funcs(template.FuncMap{
		"since": since, "short": short, "markdown": markdownPlain, "headline": headline, "args": runArgs,
		"next": func(n int) int { return n + 1 },
	}).ParseFS(templateFiles, "templates/*.html"))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/assets/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assetFiles, "assets/"+r.PathValue("file"))
	})
	mux.HandleFunc("GET /-/changed", p.changed)
	mux.HandleFunc("GET /{$}", p.list)
	mux.HandleFunc("GET /{owner}/{repo}", p.list)
	mux.HandleFunc("GET /{owner}/{repo}/pull/{number}", p.view("conversation"))
	mux.HandleFunc("GET /{owner}/{repo}/pull/{number}/files", p.view("files"))
	mux.HandleFunc("GET /{owner}/{repo}/pull/{number}/checks", p.view("checks"))
	mux.HandleFunc("GET /{owner}/{repo}/runs/{run}", p.run)
	mux.HandleFunc("GET /{owner}/{repo}/blob/{ref}/{path...}", p.blob)
	mux.HandleFunc("POST /{owner}/{repo}/pull/{number}/{action}", p.act)
	// The buttons change state: only the pages themselves may press them.
	return http.NewCrossOriginProtection().Handler(secure(mux))
}

func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
			"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// changed answers as soon as the state is another than the client knows, or
// after a while.
func (p *pages) changed(w http.ResponseWriter, r *http.Request) {
	known := r.URL.Query().Get("known")
	ctx, cancel := context.WithTimeout(r.Context(), pollTime)
	defer cancel()
	for {
		version, changed := p.s.Version()
		if now := strconv.FormatInt(version, 10); now != known {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			if _, err := w.Write([]byte(now)); err != nil {
				p.log.Debug("client went away", "err", err)
			}
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
}

// render writes a page, or nothing of it.
func (p *pages) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		p.log.Error("page", "template", name, "err", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(b.Bytes()); err != nil {
		p.log.Debug("client went away", "err", err)
	}
}

func (p *pages) list(w http.ResponseWriter, r *http.Request) {
	version, _ := p.s.Version()
	data := listView{page: page{Heading: "Pull requests", Version: version}}
	owner, repo := r.PathValue("owner"), r.PathValue("repo")
	for _, pr := range p.s.Pulls() {
		if owner != "" && (pr.Owner != owner || pr.Repo != repo) {
			continue
		}
		data.Pulls = append(data.Pulls, p.row(pr))
	}
	p.render(w, http.StatusOK, "list.html", data)
}

// ref is the pull request that a request is about.
type ref struct {
	fullName string
	number   int
}

func (r ref) path() string { return fmt.Sprintf("/%s/pull/%d", r.fullName, r.number) }

func refOf(r *http.Request) (ref, error) {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		return ref{}, errors.New("no such pull request")
	}
	return ref{r.PathValue("owner") + "/" + r.PathValue("repo"), n}, nil
}

func (p *pages) view(tab string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at, err := refOf(r)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		data, err := p.pullView(r.Context(), at, tab)
		if err != nil {
			p.log.Debug("page", "err", err)
			http.NotFound(w, r)
			return
		}
		p.render(w, http.StatusOK, "pull.html", data)
	}
}

// run leads from a check run's own address to the pull request that it judges.
func (p *pages) run(w http.ResponseWriter, r *http.Request) {
	fullName := r.PathValue("owner") + "/" + r.PathValue("repo")
	for _, pr := range p.s.Pulls() {
		at := ref{pr.Owner + "/" + pr.Repo, pr.Number}
		if at.fullName != fullName {
			continue
		}
		commits, err := p.s.Commits(at.fullName, at.number)
		if err != nil {
			continue
		}
		for _, c := range commits {
			for _, run := range p.s.CheckRuns(fullName, c.SHA) {
				if strconv.FormatInt(run.ID, 10) == r.PathValue("run") {
					http.Redirect(w, r, at.path()+"/checks", http.StatusSeeOther)
					return
				}
			}
		}
	}
	http.NotFound(w, r)
}

// blob shows a file of a commit with its line numbers.
func (p *pages) blob(w http.ResponseWriter, r *http.Request) {
	fullName := r.PathValue("owner") + "/" + r.PathValue("repo")
	content, err := p.s.File(fullName, r.PathValue("ref"), r.PathValue("path"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	data := blobView{page: page{Heading: r.PathValue("path")}, FullName: fullName, Ref: r.PathValue("ref")}
	data.Version, _ = p.s.Version()
	for line := range strings.Lines(content) {
		data.Lines = append(data.Lines, strings.TrimRight(line, "\r\n"))
	}
	p.render(w, http.StatusOK, "blob.html", data)
}

// act does what a button says and leads back to the page.
func (p *pages) act(w http.ResponseWriter, r *http.Request) {
	at, err := refOf(r)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	if err := p.do(at, r.PathValue("action"), r.PostForm.Get); err != nil {
		p.log.Info("action", "action", r.PathValue("action"), "err", err)
		p.render(w, http.StatusConflict, "refused.html", refusedView{
			page: page{Heading: "Not done"}, Back: at.path(), Reason: err.Error(),
		})
		return
	}
	back := at.path()
	switch r.PostForm.Get("tab") {
	case "files", "checks":
		back += "/" + r.PostForm.Get("tab")
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (p *pages) do(at ref, action string, field func(string) string) error {
	pr, err := p.s.Pull(at.fullName, at.number)
	if err != nil {
		return err
	}
	login := pr.Author
	id := func(name string) int64 {
		n, err := strconv.ParseInt(field(name), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	switch action {
	case "apply":
		return p.apply(at, id("thread"), login)
	case "push-fix":
		push, ok := p.s.SamplePush(at.fullName, at.number)
		if !ok {
			return errors.New("there is no prepared fix for this pull request")
		}
		if push.Author == "" {
			push.Author = login
		}
		_, err := p.s.Push(pr.HeadOwner+"/"+pr.HeadName, push)
		return err
	case "rescan":
		_, err := p.s.Comment(at.fullName, at.number, login, "/plimsoll rescan")
		return err
	case "rerun":
		return p.s.Rerequest(at.fullName, id("run"), login)
	case "request":
		return p.s.RequestAction(at.fullName, id("run"), login, field("identifier"))
	case "comment":
		if field("body") == "" {
			return errors.New("a comment needs a text")
		}
		_, err := p.s.Comment(at.fullName, at.number, login, field("body"))
		return err
	case "reply":
		if field("body") == "" {
			return errors.New("a reply needs a text")
		}
		return p.s.ReplyToThread(at.fullName, at.number, id("thread"), login, field("body"))
	case "resolve":
		return p.s.SetThreadResolved(at.fullName, at.number, id("thread"), login, field("resolved") == "true")
	case "ready":
		return p.s.MarkReady(at.fullName, at.number)
	}
	return fmt.Errorf("unknown action %q", action)
}

// apply commits the first suggestion of a thread.
func (p *pages) apply(at ref, threadID int64, login string) error {
	for _, t := range p.s.Threads(at.fullName, at.number) {
		if t.ID != threadID {
			continue
		}
		for _, c := range t.Comments {
			if text, ok := suggestionOf(c.Body); ok {
				_, err := p.s.ApplySuggestion(at.fullName, at.number, threadID, text, login)
				return err
			}
		}
		return errors.New("the thread has no suggestion")
	}
	return errors.New("no such thread")
}
