package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Kind says what an event asks for.
type Kind uint8

// The kinds of events.
const (
	// Ignored events ask for nothing; Event.Reason says why.
	Ignored Kind = iota
	// Review events ask for the review of a pull request.
	Review
	// Ask events are a person's command, by comment or by button, in
	// Event.Command; whether the person may is still to be asked.
	Ask
	// Missed events ask whether a head had its review: those of check suites.
	Missed
	// Group events ask for the review of a merge queue's group.
	Group
	// Refresh events say that what is remembered of an installation is out of
	// date.
	Refresh
)

// Event is a webhook delivery in plain terms. Fields that the event does not
// speak of are zero.
type Event struct {
	Kind         Kind
	Reason       string // why an event is ignored, for the log
	Name, Action string // X-GitHub-Event and the action in the body

	InstallationID int64
	RepositoryID   int64
	Owner, Repo    string

	Number     int
	HeadSHA    string
	BaseSHA    string
	BaseRef    string
	HeadRepoID int64 // 0 when unknown or when the fork was deleted
	Draft      bool

	Sender    string // login of who caused the event
	SenderID  int64  // account id of Sender, 0 when the event does not say it
	CommentID int64  // of an Ask by comment
	InReplyTo int64  // of a review comment: the first comment of its thread
	Command   string // of an Ask: one of the Command constants
	Argument  string // of the command
	AppID     int64  // App that owns the check run or check suite of the event
}

type payload struct {
	Action       string `json:"action"`
	Number       int    `json:"number"`
	Installation struct {
		ID int64 `json:"id"`
	} `json:"installation"`
	Repository *struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Owner struct {
			Login string `json:"login"`
		} `json:"owner"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	Sender      account `json:"sender"`
	PullRequest *struct {
		Number int    `json:"number"`
		Draft  bool   `json:"draft"`
		State  string `json:"state"`
		Head   branch `json:"head"`
		Base   branch `json:"base"`
	} `json:"pull_request"`
	Changes struct {
		Base json.RawMessage `json:"base"`
	} `json:"changes"`
	CheckRun *struct {
		Name         string `json:"name"`
		HeadSHA      string `json:"head_sha"`
		ExternalID   string `json:"external_id"`
		PullRequests []struct {
			Number int `json:"number"`
		} `json:"pull_requests"`
		App struct {
			ID int64 `json:"id"`
		} `json:"app"`
	} `json:"check_run"`
	CheckSuite *struct {
		HeadBranch   string `json:"head_branch"`
		HeadSHA      string `json:"head_sha"`
		PullRequests []struct {
			Number int `json:"number"`
		} `json:"pull_requests"`
		App struct {
			ID int64 `json:"id"`
		} `json:"app"`
	} `json:"check_suite"`
	MergeGroup *struct {
		HeadSHA string `json:"head_sha"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
	Ref     string `json:"ref"`
	Commits []struct {
		Added    []string `json:"added"`
		Modified []string `json:"modified"`
		Removed  []string `json:"removed"`
	} `json:"commits"`
	RequestedAction struct {
		Identifier string `json:"identifier"`
	} `json:"requested_action"`
	Issue *struct {
		Number      int             `json:"number"`
		State       string          `json:"state"`
		PullRequest json.RawMessage `json:"pull_request"`
	} `json:"issue"`
	Comment *struct {
		ID        int64   `json:"id"`
		InReplyTo int64   `json:"in_reply_to_id"`
		Body      string  `json:"body"`
		User      account `json:"user"`
	} `json:"comment"`
}

type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

type branch struct {
	SHA  string `json:"sha"`
	Ref  string `json:"ref"`
	Repo *struct {
		ID int64 `json:"id"`
	} `json:"repo"`
}

var (
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	shaPattern   = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	loginPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}(\[bot\])?$`)
)

// ParseEvent reads a delivery: event is its X-GitHub-Event header, body its
// JSON. Events and actions that Plimsoll has no use for give an Ignored event;
// a body that is not what GitHub sends gives an error. Which App a check run
// belongs to is for the caller to compare.
func ParseEvent(event string, body []byte) (Event, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		// The error of the decoder may quote the body.
		return Event{}, errors.New("the body is not the JSON of a webhook event")
	}
	e := Event{Name: event, Action: p.Action, InstallationID: p.Installation.ID, Sender: p.Sender.Login}
	var err error
	switch event {
	case "pull_request":
		err = e.pullRequest(&p)
	case "check_run":
		err = e.checkRun(&p)
	case "check_suite":
		err = e.checkSuite(&p)
	case "issue_comment":
		err = e.issueComment(&p)
	case "pull_request_review_comment":
		err = e.reviewComment(&p)
	case "merge_group":
		err = e.mergeGroup(&p)
	case "push":
		err = e.push(&p)
	case "installation", "installation_repositories":
		err = e.installation(&p)
	default:
		return ignore(e, "event not in use"), nil
	}
	if err != nil {
		return Event{}, fmt.Errorf("%s event: %w", event, err)
	}
	return e, nil
}

func ignore(e Event, why string) Event {
	return Event{Name: e.Name, Action: e.Action, InstallationID: e.InstallationID, RepositoryID: e.RepositoryID,
		Owner: e.Owner, Repo: e.Repo, Number: e.Number, Sender: e.Sender, Reason: why}
}

// place reads what every event must say: where it happened.
func (e *Event) place(p *payload) error {
	switch {
	case p.Installation.ID <= 0:
		return errors.New("no installation: the webhook must be the App's own")
	case p.Repository == nil || p.Repository.ID <= 0:
		return errors.New("no repository")
	}
	e.RepositoryID, e.Owner, e.Repo = p.Repository.ID, p.Repository.Owner.Login, p.Repository.Name
	if !validName(e.Owner) || !validName(e.Repo) {
		return errors.New("the repository's name is not one")
	}
	if e.Sender != "" && !loginPattern.MatchString(e.Sender) {
		return errors.New("the sender's login is not one")
	}
	return nil
}

func validName(s string) bool {
	return namePattern.MatchString(s) && s != "." && s != ".."
}

func (e *Event) pullRequest(p *payload) error {
	switch p.Action {
	case "opened", "synchronize", "reopened", "ready_for_review":
	case "edited":
		if len(p.Changes.Base) == 0 || string(p.Changes.Base) == "null" {
			*e = ignore(*e, "the base did not change")
			return nil
		}
	default:
		*e = ignore(*e, "action not in use")
		return nil
	}
	if err := e.place(p); err != nil {
		return err
	}
	pr := p.PullRequest
	if pr == nil || pr.Number <= 0 {
		return errors.New("no pull request")
	}
	if !shaPattern.MatchString(pr.Head.SHA) || !shaPattern.MatchString(pr.Base.SHA) {
		return errors.New("the pull request's head or base is not a commit")
	}
	e.Kind, e.Number, e.Draft = Review, pr.Number, pr.Draft
	e.HeadSHA, e.BaseSHA, e.BaseRef = pr.Head.SHA, pr.Base.SHA, pr.Base.Ref
	if pr.Head.Repo != nil {
		e.HeadRepoID = pr.Head.Repo.ID
	}
	if pr.State == "closed" {
		*e = ignore(*e, "the pull request is closed")
	}
	return nil
}

func (e *Event) checkRun(p *payload) error {
	fix := p.Action == "requested_action" && p.RequestedAction.Identifier == CommandFix
	switch {
	case p.Action == "rerequested", fix:
	case p.Action == "requested_action" && p.RequestedAction.Identifier == CommandRescan:
	default:
		*e = ignore(*e, "action not in use")
		return nil
	}
	if err := e.place(p); err != nil {
		return err
	}
	run := p.CheckRun
	if run == nil || !shaPattern.MatchString(run.HeadSHA) {
		return errors.New("no check run on a commit")
	}
	if run.Name != CheckName {
		*e = ignore(*e, "not our check run")
		return nil
	}
	e.AppID = run.App.ID
	if base, ok := groupOf(run.ExternalID); ok && !fix {
		e.Kind, e.HeadSHA, e.BaseSHA = Group, run.HeadSHA, base
		return nil
	}
	// For a fork pull_requests is empty: external_id is ours and always there.
	number, ok := pullOf(run.ExternalID)
	if !ok && len(run.PullRequests) > 0 {
		number, ok = run.PullRequests[0].Number, run.PullRequests[0].Number > 0
	}
	if !ok {
		*e = ignore(*e, "the check run belongs to no pull request")
		return nil
	}
	e.Kind, e.Number = Review, number
	if fix {
		if e.Sender == "" {
			return errors.New("nobody asked for the fixes")
		}
		// The head that the button's run is about: nothing else is mended.
		e.Kind, e.Command, e.HeadSHA, e.SenderID = Ask, CommandFix, run.HeadSHA, p.Sender.ID
	}
	return nil
}

func (e *Event) issueComment(p *payload) error {
	if p.Action != "created" {
		*e = ignore(*e, "action not in use")
		return nil
	}
	if err := e.place(p); err != nil {
		return err
	}
	if p.Issue == nil || p.Comment == nil || p.Issue.Number <= 0 || p.Comment.ID <= 0 {
		return errors.New("no comment on an issue")
	}
	command, argument, asks := ParseCommand(p.Comment.Body)
	switch {
	case len(p.Issue.PullRequest) == 0 || string(p.Issue.PullRequest) == "null":
		*e = ignore(*e, "the comment is not on a pull request")
	case p.Sender.Type == "Bot" || p.Comment.User.Type == "Bot" || strings.HasSuffix(p.Comment.User.Login, "[bot]"):
		*e = ignore(*e, "bots give no commands")
	case !asks:
		*e = ignore(*e, "no command")
	case p.Issue.State == "closed":
		*e = ignore(*e, "the pull request is closed")
	case !loginPattern.MatchString(p.Comment.User.Login):
		return errors.New("the commenter's login is not one")
	default:
		e.Kind, e.Number, e.CommentID = Ask, p.Issue.Number, p.Comment.ID
		e.Sender, e.SenderID = p.Comment.User.Login, p.Comment.User.ID
		e.Command, e.Argument = command, argument
		if command == CommandIgnore {
			e.Argument = cutBytes(firstLine(p.Comment.Body), maxExceptionLine)
		}
	}
	return nil
}

// reviewComment reads a reply in a review thread. What else people write at
// lines of the diff is among themselves.
func (e *Event) reviewComment(p *payload) error {
	if p.Action != "created" {
		*e = ignore(*e, "action not in use")
		return nil
	}
	if err := e.place(p); err != nil {
		return err
	}
	if p.PullRequest == nil || p.Comment == nil || p.PullRequest.Number <= 0 || p.Comment.ID <= 0 {
		return errors.New("no comment on a pull request")
	}
	command, argument, asks := ParseCommand(p.Comment.Body)
	switch {
	case p.Sender.Type == "Bot" || p.Comment.User.Type == "Bot" || strings.HasSuffix(p.Comment.User.Login, "[bot]"):
		*e = ignore(*e, "bots give no commands")
	case p.Comment.InReplyTo <= 0 || !asks:
		*e = ignore(*e, "no command in a reply")
	case p.PullRequest.State == "closed":
		*e = ignore(*e, "the pull request is closed")
	case !loginPattern.MatchString(p.Comment.User.Login):
		return errors.New("the commenter's login is not one")
	default:
		e.Kind, e.Number, e.CommentID, e.InReplyTo = Ask, p.PullRequest.Number, p.Comment.ID, p.Comment.InReplyTo
		e.Sender, e.SenderID = p.Comment.User.Login, p.Comment.User.ID
		e.Command, e.Argument = command, argument
		if command == CommandIgnore {
			e.Argument = cutBytes(firstLine(p.Comment.Body), maxExceptionLine)
		}
	}
	return nil
}
