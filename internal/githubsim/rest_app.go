package githubsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func appEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/app", app: true, handle: getApp},
		{method: "GET", path: "/app/installations", app: true, handle: listInstallations},
		{method: "GET", path: "/app/installations/{installation_id}", app: true, handle: getInstallation},
		{method: "POST", path: "/app/installations/{installation_id}/access_tokens", app: true, handle: createToken},
		{method: "GET", path: "/app/hook/deliveries", app: true, handle: listDeliveries},
		{method: "GET", path: "/app/hook/deliveries/{delivery_id}", app: true, handle: getDelivery},
		{method: "POST", path: "/app/hook/deliveries/{delivery_id}/attempts", app: true, handle: redeliver},
		{method: "GET", path: "/repos/{owner}/{repo}/installation", app: true, handle: repositoryInstallation},
		{method: "GET", path: "/installation/repositories", handle: listInstallationRepositories},
		{method: "GET", path: "/rate_limit", handle: getRateLimit},
	}
}

func getApp(c *call) (int, any, error) {
	body := c.s.appJSON(c.app)
	n := 0
	for _, in := range c.s.installations {
		if in.app == c.app {
			n++
		}
	}
	body["installations_count"], body["client_id"] = n, c.app.clientID()
	return 200, body, nil
}

func (s *Server) installationsOf(app *App) []*installation {
	var out []*installation
	for _, in := range s.installations {
		if in.app == app {
			out = append(out, in)
		}
	}
	slices.SortFunc(out, func(a, b *installation) int { return int(a.id - b.id) })
	return out
}

func listInstallations(c *call) (int, any, error) {
	return 200, render(page(c, c.s.installationsOf(c.app)), func(in *installation) any { return c.s.installationJSON(in) }), nil
}

func (c *call) installation() (*installation, error) {
	id, err := c.number("installation_id")
	if err != nil {
		return nil, err
	}
	in := c.s.installations[id]
	if in == nil || in.app != c.app {
		return nil, notFound()
	}
	return in, nil
}

func getInstallation(c *call) (int, any, error) {
	in, err := c.installation()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.s.installationJSON(in), nil
}

func repositoryInstallation(c *call) (int, any, error) {
	r := c.s.repos[strings.ToLower(c.r.PathValue("owner")+"/"+c.r.PathValue("repo"))]
	if r == nil {
		return 0, nil, notFound()
	}
	for _, in := range c.s.installationsOn(r) {
		if in.app == c.app {
			return 200, c.s.installationJSON(in), nil
		}
	}
	return 0, nil, notFound()
}

func createToken(c *call) (int, any, error) {
	in, err := c.installation()
	if err != nil {
		return 0, nil, err
	}
	var body struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if err := c.decode(&body); err != nil {
		return 0, nil, err
	}
	permissions := maps.Clone(in.permissions)
	if body.Permissions != nil {
		permissions = map[string]string{}
		for name, level := range body.Permissions {
			if levels[level] == 0 || levels[in.permissions[name]] < levels[level] {
				return 0, nil, &apiError{status: 422, message: "The permissions requested are not granted to this installation."}
			}
			permissions[name] = level
		}
		if in.permissions["metadata"] != "" {
			permissions["metadata"] = "read"
		}
	}
	unreachable := &apiError{status: 422, message: "There is at least one repository that does not exist or is not accessible to the parent installation."}
	var only map[int64]bool
	var listed []*repository
	if body.Repositories != nil || body.RepositoryIDs != nil {
		only = map[int64]bool{}
		reachable := c.s.repositoriesOf(in)
		add := func(is func(*repository) bool) bool {
			i := slices.IndexFunc(reachable, is)
			if i < 0 {
				return false
			}
			only[reachable[i].id] = true
			listed = append(listed, reachable[i])
			return true
		}
		for _, name := range body.Repositories {
			if !add(func(r *repository) bool { return strings.EqualFold(r.name, name) }) {
				return 0, nil, unreachable
			}
		}
		for _, id := range body.RepositoryIDs {
			if !add(func(r *repository) bool { return r.id == id }) {
				return 0, nil, unreachable
			}
		}
	}
	t := c.s.newToken(in, permissions, only)
	out := map[string]any{
		"token": t.value, "expires_at": stamp(t.expires), "permissions": permissions,
		"repository_selection": in.selection(),
	}
	if only != nil {
		out["repository_selection"] = "selected"
		out["repositories"] = render(listed, func(r *repository) any { return c.s.repositoryJSON(r) })
	}
	return 201, out, nil
}

func listInstallationRepositories(c *call) (int, any, error) {
	var all []*repository
	for _, r := range c.s.repositoriesOf(c.token.installation) {
		if c.token.covers(r) {
			all = append(all, r)
		}
	}
	return 200, map[string]any{
		"total_count":          len(all),
		"repository_selection": c.token.installation.selection(),
		"repositories":         render(page(c, all), func(r *repository) any { return c.s.repositoryJSON(r) }),
	}, nil
}

func getRateLimit(c *call) (int, any, error) {
	in := c.token.installation
	core := map[string]any{
		"limit": c.s.opts.RateLimit, "used": in.rate.used,
		"remaining": c.s.opts.RateLimit - in.rate.used, "reset": in.rate.reset.Unix(),
	}
	return 200, map[string]any{"rate": core, "resources": map[string]any{"core": core, "graphql": core, "search": core}}, nil
}

func (in *installation) selection() string {
	if in.selected != nil {
		return "selected"
	}
	return "all"
}

// listDeliveries pages by cursor: the id below which to go on, newest first.
func listDeliveries(c *call) (int, any, error) {
	q := c.r.URL.Query()
	per := clampQuery(q.Get("per_page"), 30, 100)
	status := q.Get("status")
	var cursor int64
	if v := q.Get("cursor"); v != "" {
		if _, err := fmt.Sscanf(v, "v1_%d", &cursor); err != nil {
			return 0, nil, &apiError{status: 422, message: "Invalid cursor"}
		}
	}
	out := []any{}
	for _, d := range newestFirst(c.s.hooks.list(c.app.ID)) {
		if cursor != 0 && d.ID >= cursor || status == "success" && !d.OK() || status == "failure" && d.OK() {
			continue
		}
		if len(out) == per {
			last := out[len(out)-1].(map[string]any)["id"].(int64)
			q.Set("cursor", fmt.Sprintf("v1_%d", last))
			c.header.Set("Link", fmt.Sprintf("<%s/api/v3/app/hook/deliveries?%s>; rel=\"next\"", c.s.baseURL, q.Encode()))
			break
		}
		out = append(out, d.json())
	}
	return 200, out, nil
}

func getDelivery(c *call) (int, any, error) {
	id, err := c.number("delivery_id")
	if err != nil {
		return 0, nil, err
	}
	d, ok := c.s.hooks.find(c.app.ID, id)
	if !ok {
		return 0, nil, notFound()
	}
	return 200, d.fullJSON(), nil
}

func redeliver(c *call) (int, any, error) {
	id, err := c.number("delivery_id")
	if err != nil {
		return 0, nil, err
	}
	d, ok := c.s.hooks.find(c.app.ID, id)
	if !ok {
		return 0, nil, notFound()
	}
	c.s.hooks.redeliver(c.s.id(), c.app, d)
	return 202, map[string]any{}, nil
}
