package githubsim

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// The App-manifest flow: a form posts a manifest, GitHub makes the App and sends
// the browser back with a code, which is exchanged once for the credentials.

func manifestEndpoints() []endpoint {
	return []endpoint{
		{method: "POST", path: "/app-manifests/{code}/conversions", open: true, handle: convertManifest},
	}
}

// isManifestForm reports whether a request is the form of the flow.
func isManifestForm(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/settings/apps/new")
}

// takeManifest makes the App at once, where GitHub asks its user first.
func (s *Server) takeManifest(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	var m struct {
		Name        string            `json:"name"`
		URL         string            `json:"url"`
		Redirect    string            `json:"redirect_url"`
		Permissions map[string]string `json:"default_permissions"`
		Events      []string          `json:"default_events"`
		Hook        struct {
			URL string `json:"url"`
		} `json:"hook_attributes"`
	}
	if err := json.Unmarshal([]byte(r.PostFormValue("manifest")), &m); err != nil || m.Name == "" || m.URL == "" || m.Redirect == "" {
		http.Error(w, "Invalid GitHub App configuration", http.StatusUnprocessableEntity)
		return
	}
	back, err := url.Parse(m.Redirect)
	if err != nil || back.Host == "" {
		http.Error(w, "Invalid redirect_url", http.StatusUnprocessableEntity)
		return
	}
	owner := "octocat"
	if rest, ok := strings.CutPrefix(r.URL.Path, "/organizations/"); ok {
		owner, _, _ = strings.Cut(rest, "/")
	}
	app, err := s.AddApp(AppOptions{
		Slug: strings.ToLower(strings.ReplaceAll(m.Name, " ", "-")), Name: m.Name, Owner: owner,
		WebhookURL: m.Hook.URL, WebhookSecret: rand.Text(), Permissions: m.Permissions, Events: m.Events,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	code := rand.Text()
	s.mu.Lock()
	s.codes[code] = app
	s.mu.Unlock()
	q := back.Query()
	q.Set("code", code)
	q.Set("state", r.URL.Query().Get("state"))
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func convertManifest(c *call) (int, any, error) {
	app := c.s.codes[c.r.PathValue("code")]
	if app == nil {
		return 0, nil, notFound()
	}
	delete(c.s.codes, c.r.PathValue("code"))
	body := c.s.appJSON(app)
	body["client_id"], body["client_secret"] = app.clientID(), rand.Text()
	body["webhook_secret"], body["pem"] = app.WebhookSecret, string(app.KeyPEM())
	body["html_url"] = fmt.Sprintf("%s/apps/%s", c.s.baseURL, app.Slug)
	return 201, body, nil
}
