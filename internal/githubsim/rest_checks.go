package githubsim

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	maxAnnotations = 50 // a request
	maxOutputText  = 65535
	maxTitle       = 255
	maxMessage     = 64 << 10
	maxActions     = 3
)

func checkEndpoints() []endpoint {
	const r = "/repos/{owner}/{repo}"
	return []endpoint{
		{method: "POST", path: r + "/check-runs", permission: "checks", level: "write", handle: createCheckRun},
		{method: "GET", path: r + "/check-runs/{check_run_id}", permission: "checks", level: "read", handle: getCheckRun},
		{method: "PATCH", path: r + "/check-runs/{check_run_id}", permission: "checks", level: "write", handle: updateCheckRun},
		{method: "GET", path: r + "/check-runs/{check_run_id}/annotations", permission: "checks", level: "read", handle: listAnnotations},
		{method: "GET", path: r + "/commits/{ref}/check-runs", permission: "checks", level: "read", handle: listCheckRuns},
		{method: "GET", path: r + "/commits/{ref}/check-suites", permission: "checks", level: "read", handle: listCheckSuites},
		{method: "GET", path: r + "/check-suites/{check_suite_id}", permission: "checks", level: "read", handle: getCheckSuite},
		{method: "POST", path: r + "/check-suites", permission: "checks", level: "write", handle: createCheckSuite},
	}
}

// checkRunInput is the body of creating and updating a check run; what is left
// out stays as it is.
type checkRunInput struct {
	Name        *string    `json:"name"`
	HeadSHA     *string    `json:"head_sha"`
	DetailsURL  *string    `json:"details_url"`
	ExternalID  *string    `json:"external_id"`
	Status      *string    `json:"status"`
	StartedAt   *time.Time `json:"started_at"`
	Conclusion  *string    `json:"conclusion"`
	CompletedAt *time.Time `json:"completed_at"`
	Output      *struct {
		Title       *string      `json:"title"`
		Summary     *string      `json:"summary"`
		Text        *string      `json:"text"`
		Annotations []Annotation `json:"annotations"`
	} `json:"output"`
	Actions *[]Action `json:"actions"`
}

func checkRunField(field, message string) *apiError {
	return invalid("CheckRun", field, "invalid", message)
}

// check refuses what GitHub refuses, whatever the run's state.
func (in *checkRunInput) check() *apiError {
	if in.Status != nil && !slices.Contains([]string{"queued", "in_progress", "completed"}, *in.Status) {
		return checkRunField("status", "")
	}
	if in.Conclusion != nil && !slices.Contains([]string{
		"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out",
	}, *in.Conclusion) {
		return checkRunField("conclusion", "")
	}
	if in.Status != nil && *in.Status == "completed" && in.Conclusion == nil {
		return &apiError{status: 422, message: "Invalid request.\n\n\"conclusion\" wasn't supplied."}
	}
	if in.Name != nil && utf8.RuneCountInString(*in.Name) > maxTitle {
		return checkRunField("name", "name is too long")
	}
	if o := in.Output; o != nil {
		// GitHub does not say whether it counts bytes or characters here; bytes
		// are the stricter.
		switch {
		case o.Title == nil:
			return &apiError{status: 422, message: "Invalid request.\n\n\"title\" wasn't supplied."}
		case o.Summary == nil:
			return &apiError{status: 422, message: "Invalid request.\n\n\"summary\" wasn't supplied."}
		case utf8.RuneCountInString(*o.Title) > maxTitle:
			return tooLong(maxTitle, utf8.RuneCountInString(*o.Title))
		case len(*o.Summary) > maxOutputText:
			return tooLong(maxOutputText, len(*o.Summary))
		case o.Text != nil && len(*o.Text) > maxOutputText:
			return tooLong(maxOutputText, len(*o.Text))
		case len(o.Annotations) > maxAnnotations:
			return &apiError{status: 422, message: fmt.Sprintf(
				"Invalid request.\n\nNo more than %d items are allowed; %d were supplied.", maxAnnotations, len(o.Annotations))}
		}
		for _, a := range o.Annotations {
			if err := a.check(); err != nil {
				return err
			}
		}
	}
	if in.Actions != nil {
		if len(*in.Actions) > maxActions {
			return &apiError{status: 422, message: fmt.Sprintf(
				"Invalid request.\n\nNo more than %d items are allowed; %d were supplied.", maxActions, len(*in.Actions))}
		}
		for _, a := range *in.Actions {
			for _, x := range []struct {
				text  string
				limit int
			}{{a.Label, 20}, {a.Description, 40}, {a.Identifier, 20}} {
				switch n := utf8.RuneCountInString(x.text); {
				case n == 0:
					return checkRunField("actions", "label, description and identifier are required")
				case n > x.limit:
					return tooLong(x.limit, n)
				}
			}
		}
	}
	return nil
}

func tooLong(limit, n int) *apiError {
	return &apiError{status: 422, message: fmt.Sprintf("Invalid request.\n\nOnly %d characters are allowed; %d were supplied.", limit, n)}
}

func (a Annotation) check() *apiError {
	field := func(name, message string) *apiError { return invalid("Annotation", name, "invalid", message) }
	switch {
	case a.Path == "":
		return field("path", "path can't be blank")
	case a.StartLine < 1:
		return field("start_line", "start_line must be at least 1")
	case a.EndLine < a.StartLine:
		return field("end_line", "end_line must not be before start_line")
	case !slices.Contains([]string{"notice", "warning", "failure"}, a.Level):
		return field("annotation_level", "")
	case a.Message == "":
		return field("message", "message can't be blank")
	case len(a.Message) > maxMessage:
		return field("message", "message is too long (maximum is 64 KB)")
	case len(a.RawDetails) > maxMessage:
		return field("raw_details", "raw_details is too long (maximum is 64 KB)")
	case utf8.RuneCountInString(a.Title) > maxTitle:
		return field("title", "title is too long (maximum is 255 characters)")
	case (a.StartColumn != nil || a.EndColumn != nil) && a.StartLine != a.EndLine:
		return field("start_column", "columns are only allowed when start_line and end_line are equal")
	}
	return nil
}

// apply writes the input into a run.
func (in *checkRunInput) apply(run *CheckRun, now time.Time) {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&run.Name, in.Name)
	set(&run.DetailsURL, in.DetailsURL)
	set(&run.ExternalID, in.ExternalID)
	if in.Status != nil {
		run.Status = *in.Status
		if run.Status != "completed" {
			run.Conclusion, run.Completed = "", time.Time{}
		}
	}
	if in.StartedAt != nil {
		run.Started = *in.StartedAt
	}
	if in.Conclusion != nil {
		run.Conclusion, run.Status = *in.Conclusion, "completed"
		run.Completed = now
	}
	if in.CompletedAt != nil {
		run.Completed = *in.CompletedAt
	}
	if o := in.Output; o != nil {
		run.HasOutput = true
		run.Text = ""
		set(&run.Title, o.Title)
		set(&run.Summary, o.Summary)
		set(&run.Text, o.Text)
		run.Annotations = append(run.Annotations, o.Annotations...)
	}
	if in.Actions != nil {
		run.Actions = slices.Clone(*in.Actions)
	}
}

func createCheckRun(c *call) (int, any, error) {
	var in checkRunInput
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if in.Name == nil || *in.Name == "" {
		return 0, nil, &apiError{status: 422, message: "Invalid request.\n\n\"name\" wasn't supplied."}
	}
	if in.HeadSHA == nil {
		return 0, nil, &apiError{status: 422, message: "Invalid request.\n\n\"head_sha\" wasn't supplied."}
	}
	if err := in.check(); err != nil {
		return 0, nil, err
	}
	if !plumbing.IsHash(*in.HeadSHA) {
		return 0, nil, checkRunField("head_sha", "head_sha is not a full SHA")
	}
	if !c.s.inRepository(c.repo, *in.HeadSHA) {
		return 0, nil, &apiError{status: 422, message: "No commit found for SHA: " + *in.HeadSHA}
	}
	now := c.s.now()
	suite := c.s.suite(c.repo, c.app, *in.HeadSHA, "", "")
	run := &CheckRun{
		ID: c.s.id(), SuiteID: suite.ID, AppID: c.app.ID, HeadSHA: *in.HeadSHA, Status: "queued", Started: now,
	}
	in.apply(run, now)
	c.repo.runs = append(c.repo.runs, run)
	suite.Updated = now
	c.s.touch()
	return 201, c.s.checkRunJSON(c.repo, run), nil
}

// inRepository says whether a commit is one of the repository's own or the head
// of one of its pull requests.
func (s *Server) inRepository(r *repository, sha string) bool {
	h := plumbing.NewHash(sha)
	for _, tip := range r.refs {
		if tip == h {
			return true
		}
	}
	if _, err := r.objects.commit(h); err != nil {
		return false
	}
	for _, tip := range r.refs {
		if base, ok, err := r.objects.mergeBase(h, tip); err == nil && ok && base == h {
			return true
		}
	}
	return false
}

// suite gives an App's check suite of a commit and makes it where there is none.
func (s *Server) suite(r *repository, app *App, sha, branch, before string) *CheckSuite {
	for _, x := range r.suites {
		if x.AppID == app.ID && x.HeadSHA == sha {
			return x
		}
	}
	if branch == "" {
		for name, tip := range r.refs {
			if tip.String() == sha && name.IsBranch() {
				branch = name.Short()
			}
		}
	}
	now := s.now()
	x := &CheckSuite{ID: s.id(), AppID: app.ID, HeadSHA: sha, HeadBranch: branch, Before: before, Created: now, Updated: now}
	r.suites = append(r.suites, x)
	return x
}

func (c *call) checkRun() (*CheckRun, error) {
	id, err := c.number("check_run_id")
	if err != nil {
		return nil, err
	}
	for _, run := range c.repo.runs {
		if run.ID == id {
			return run, nil
		}
	}
	return nil, notFound()
}

func getCheckRun(c *call) (int, any, error) {
	run, err := c.checkRun()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.s.checkRunJSON(c.repo, run), nil
}

func updateCheckRun(c *call) (int, any, error) {
	run, err := c.checkRun()
	if err != nil {
		return 0, nil, err
	}
	if run.AppID != c.app.ID {
		return 0, nil, &apiError{status: 403, message: "Invalid app_id `" + fmt.Sprint(c.app.ID) + "` - check run can only be modified by the GitHub App that created it."}
	}
	var in checkRunInput
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := in.check(); err != nil {
		return 0, nil, err
	}
	// head_sha is taken and ignored: a run stays with its commit.
	in.apply(run, c.s.now())
	c.s.touch()
	return 200, c.s.checkRunJSON(c.repo, run), nil
}

func listAnnotations(c *call) (int, any, error) {
	run, err := c.checkRun()
	if err != nil {
		return 0, nil, err
	}
	return 200, render(page(c, run.Annotations), func(a Annotation) any { return c.s.annotationJSON(c.repo, run.HeadSHA, a) }), nil
}

func listCheckRuns(c *call) (int, any, error) {
	h, ok := c.s.resolve(c.repo, c.r.PathValue("ref"))
	if !ok {
		return 0, nil, &apiError{status: 422, message: "No commit found for SHA: " + c.r.PathValue("ref")}
	}
	q := c.r.URL.Query()
	var out []*CheckRun
	latest := map[string]bool{}
	for _, run := range newestFirst(c.repo.runs) {
		key := fmt.Sprint(run.AppID, " ", run.Name)
		switch {
		case run.HeadSHA != h.String(),
			q.Get("check_name") != "" && q.Get("check_name") != run.Name,
			q.Get("status") != "" && q.Get("status") != run.Status,
			q.Get("app_id") != "" && q.Get("app_id") != fmt.Sprint(run.AppID),
			q.Get("filter") != "all" && latest[key]:
			continue
		}
		latest[key] = true
		out = append(out, run)
	}
	return 200, map[string]any{
		"total_count": len(out),
		"check_runs":  render(page(c, out), func(r *CheckRun) any { return c.s.checkRunJSON(c.repo, r) }),
	}, nil
}

// restSuiteJSON adds what the suite of an event leaves out.
func (c *call) restSuiteJSON(x *CheckSuite) map[string]any {
	out := c.s.checkSuiteJSON(c.repo, x)
	out["repository"] = c.s.repositoryJSON(c.repo)
	return out
}

func listCheckSuites(c *call) (int, any, error) {
	h, ok := c.s.resolve(c.repo, c.r.PathValue("ref"))
	if !ok {
		return 0, nil, &apiError{status: 422, message: "No commit found for SHA: " + c.r.PathValue("ref")}
	}
	var out []*CheckSuite
	for _, x := range c.repo.suites {
		if app := c.r.URL.Query().Get("app_id"); x.HeadSHA == h.String() && (app == "" || app == fmt.Sprint(x.AppID)) {
			out = append(out, x)
		}
	}
	return 200, map[string]any{
		"total_count":  len(out),
		"check_suites": render(page(c, out), func(x *CheckSuite) any { return c.restSuiteJSON(x) }),
	}, nil
}

func getCheckSuite(c *call) (int, any, error) {
	id, err := c.number("check_suite_id")
	if err != nil {
		return 0, nil, err
	}
	for _, x := range c.repo.suites {
		if x.ID == id {
			return 200, c.restSuiteJSON(x), nil
		}
	}
	return 0, nil, notFound()
}

func createCheckSuite(c *call) (int, any, error) {
	var in struct {
		HeadSHA string `json:"head_sha"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if !plumbing.IsHash(in.HeadSHA) || !c.s.inRepository(c.repo, in.HeadSHA) {
		return 0, nil, &apiError{status: 422, message: "No commit found for SHA: " + in.HeadSHA}
	}
	n := len(c.repo.suites)
	x := c.s.suite(c.repo, c.app, in.HeadSHA, "", "")
	if len(c.repo.suites) == n {
		return 200, c.restSuiteJSON(x), nil
	}
	c.s.touch()
	return 201, c.restSuiteJSON(x), nil
}
