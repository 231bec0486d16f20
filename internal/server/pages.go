package server

import (
	"bytes"
	"embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

//go:embed pages
var pageFiles embed.FS

const (
	maxQuery = 200
	// maxDiffLines bounds the comparison of an example with its fixed form,
	// which takes the product of both in time and memory.
	maxDiffLines = 400
)

// pages are the pages of the catalogue, prepared from the rules.
type pages struct {
	templates *template.Template
	style     []byte
	themes    []theme
	byID      map[string]*rulePage
	ids       []string
}

type theme struct {
	ID, Title string
	Rules     []*rulePage
}

// rulePage is a rule as its page shows it.
type rulePage struct {
	ID, Title, Severity, Profile, ThemeID, ThemeTitle string
	Why, Remediation                                  []prose
	Platforms, References                             []string
	Fixable                                           bool
	Pairs                                             []examplePair
	Passes                                            []passing
	Compliance, Equivalents                           []named
	LooksAt                                           []looks
	Fixes                                             [][]prose
	Blocks                                            []rule.Block

	haystack string // everything that a search looks at, in lower case
}

// prose is a run of words or of code.
type prose struct {
	Text string
	Code bool
}

type named struct {
	Name   string
	Values []string
}

// looks is what a rule looks at on one platform.
type looks struct {
	Platform string
	What     []prose
}

type examplePair struct {
	Where       string
	Fail, Fixed []exampleLine
}

type exampleLine struct {
	Text    string
	Changed bool
}

type passing struct{ Where, Text string }

// themeTitle puts a theme's id in words.
func themeTitle(id string) string {
	s := strings.ReplaceAll(id, "-", " ")
	if s == "iam and rbac" {
		return "IAM and RBAC"
	}
	if s == "" {
		return "Other"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func newPages(rules []*rule.Rule) *pages {
	p := &pages{
		templates: template.Must(template.ParseFS(pageFiles, "pages/*.html")),
		byID:      make(map[string]*rulePage, len(rules)),
	}
	p.style, _ = pageFiles.ReadFile("pages/style.css") // embedded: cannot be missing
	byTheme := make(map[string][]*rulePage)
	for _, r := range rules {
		page := newRulePage(r)
		p.byID[r.ID] = page
		byTheme[r.Theme] = append(byTheme[r.Theme], page)
	}
	order := rule.Themes()
	for _, id := range slices.Sorted(maps.Keys(byTheme)) {
		if !slices.Contains(order, id) {
			order = append(order, id)
		}
	}
	for _, id := range order {
		if list := byTheme[id]; len(list) > 0 {
			slices.SortStableFunc(list, func(a, b *rulePage) int {
				if d := rule.Severity(b.Severity).Rank() - rule.Severity(a.Severity).Rank(); d != 0 {
					return d
				}
				return strings.Compare(a.ID, b.ID)
			})
			p.themes = append(p.themes, theme{ID: id, Title: themeTitle(id), Rules: list})
		}
	}
	p.ids = slices.Sorted(maps.Keys(p.byID))
	return p
}

func newRulePage(r *rule.Rule) *rulePage {
	page := &rulePage{
		ID: r.ID, Title: r.Title, Severity: string(r.Severity), Profile: r.Profile,
		ThemeID: r.Theme, ThemeTitle: themeTitle(r.Theme),
		Why: proseOf(r.Why), Remediation: proseOf(r.Remediation),
		Compliance: namedOf(r.Compliance), Equivalents: namedOf(r.Equivalents),
	}
	for _, c := range r.Checks {
		if !slices.Contains(page.Platforms, c.Platform) {
			page.Platforms = append(page.Platforms, c.Platform)
		}
		page.Fixable = page.Fixable || c.Fix != nil
	}
	for _, p := range page.Platforms {
		page.LooksAt = append(page.LooksAt, looks{Platform: p, What: proseOf(strings.Join(r.LooksAt(p), "; "))})
	}
	for _, note := range r.FixNotes() {
		page.Fixes = append(page.Fixes, proseOf(note))
	}
	page.Blocks = r.Blocks()
	for _, ref := range r.References {
		if strings.HasPrefix(ref, "https://") {
			page.References = append(page.References, ref)
		}
	}
	for _, e := range r.Examples {
		where := e.File
		if where == "" && len(page.Platforms) > 1 {
			where = e.Platform
		}
		if e.Fail != "" {
			fail, fixed := compare(e.Fail, e.Fixed)
			page.Pairs = append(page.Pairs, examplePair{Where: where, Fail: fail, Fixed: fixed})
		}
		if e.Pass != "" {
			page.Passes = append(page.Passes, passing{Where: where, Text: strings.TrimRight(e.Pass, "\n")})
		}
	}
	words := []string{r.ID, r.Title, r.Why, r.Remediation, r.Theme, page.ThemeTitle, string(r.Severity), r.Profile}
	words = append(words, page.Platforms...)
	words = append(words, r.Covers...)
	for _, list := range [][]named{page.Compliance, page.Equivalents} {
		for _, n := range list {
			words = append(append(words, n.Name), n.Values...)
		}
	}
	page.haystack = strings.ToLower(strings.Join(words, "\n"))
	return page
}

func namedOf(m map[string][]string) []named {
	var out []named
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if len(m[k]) > 0 {
			out = append(out, named{Name: k, Values: m[k]})
		}
	}
	return out
}

// proseOf takes the code between backquotes out of a text.
func proseOf(s string) []prose {
	var out []prose
	for {
		before, rest, ok := strings.Cut(s, "`")
		code, after, closed := strings.Cut(rest, "`")
		if !ok || !closed {
			return append(out, prose{Text: s})
		}
		out = append(out, prose{Text: before}, prose{Text: code, Code: true})
		s = after
	}
}

// compare gives the lines of an example and of its fixed form with those marked
// that the other does not have. Without a fixed form there is nothing to mark.
func compare(fail, fixed string) (f, x []exampleLine) {
	a, b := lines(fail), lines(fixed)
	f, x = make([]exampleLine, len(a)), make([]exampleLine, len(b))
	if len(b) == 0 || len(a) > maxDiffLines || len(b) > maxDiffLines {
		for i, s := range a {
			f[i].Text = s
		}
		for i, s := range b {
			x[i].Text = s
		}
		return f, x
	}
	// common[i][j] is the length of what a[i:] and b[j:] have in common.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			f[i].Text, x[j].Text = a[i], b[j]
			i++
			j++
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			f[i] = exampleLine{Text: a[i], Changed: true}
			i++
		default:
			x[j] = exampleLine{Text: b[j], Changed: true}
			j++
		}
	}
	return f, x
}

func lines(s string) []string {
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// search gives the themes with the rules that hold every word of the query.
func (p *pages) search(query string) (themes []theme, shown int) {
	words := strings.Fields(strings.ToLower(query))
	for _, t := range p.themes {
		found := theme{ID: t.ID, Title: t.Title}
		for _, r := range t.Rules {
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(r.haystack, w) }) {
				found.Rules = append(found.Rules, r)
			}
		}
		if len(found.Rules) > 0 {
			themes = append(themes, found)
			shown += len(found.Rules)
		}
	}
	return themes, shown
}

func (s *Server) rules(w http.ResponseWriter, r *http.Request) {
	query := strings.TrimSpace(clip(r.URL.Query().Get("q"), maxQuery))
	themes, shown := s.pages.search(query)
	s.page(w, r, http.StatusOK, "rules", struct {
		Query        string
		Themes       []theme
		Shown, Total int
	}{query, themes, shown, len(s.pages.byID)})
}

func (s *Server) rule(w http.ResponseWriter, r *http.Request) {
	id := clip(r.PathValue("area")+"/"+r.PathValue("name"), maxQuery)
	if page, ok := s.pages.byID[id]; ok {
		s.page(w, r, http.StatusOK, "rule", page)
		return
	}
	s.page(w, r, http.StatusNotFound, "missing", struct{ ID, Suggestion string }{id, rule.SuggestID(id, s.pages.ids)})
}

// page renders a template whole before it answers, so that a template's failure
// is not half a page.
func (s *Server) page(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&b, name, data); err != nil {
		s.log.ErrorContext(r.Context(), "a page cannot be rendered", "page", name, "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "public, max-age=300")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func (s *Server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(s.pages.style)
}
