package githubsim

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Account is a user, an organisation or the bot of an App.
type Account struct {
	ID    int64
	Login string
	Type  string // User, Organization or Bot
}

// App is a GitHub App.
type App struct {
	ID            int64
	Slug, Name    string
	Owner         *Account
	Bot           *Account
	Key           *rsa.PrivateKey
	WebhookURL    string // "" delivers nothing
	WebhookSecret string
	Permissions   map[string]string // permission → read or write
	Events        []string
	hookID        int64
	created       time.Time
}

type installation struct {
	id          int64
	app         *App
	account     *Account
	permissions map[string]string
	selected    map[int64]bool // repository ids; nil is all of the account's
	created     time.Time
	rate        rateWindow
}

type rateWindow struct {
	used  int
	reset time.Time
}

type token struct {
	value        string
	installation *installation
	permissions  map[string]string
	repositories map[int64]bool // nil is all of the installation's
	expires      time.Time
}

type repository struct {
	id            int64
	owner         *Account
	name          string
	private       bool
	defaultBranch string
	parent        *repository // of a fork
	objects       *objectStore
	refs          map[plumbing.ReferenceName]plumbing.Hash
	protected     map[string]bool   // branches that take no direct commits
	permissions   map[string]string // lower-case login → admin, maintain, write, triage, read
	pulls         []*pull
	nextNumber    int
	suites        []*CheckSuite
	runs          []*CheckRun
	analyses      []Analysis
	created       time.Time
	pushed        time.Time
}

func (r *repository) fullName() string { return r.owner.Login + "/" + r.name }

// Repository is what can be known of a repository.
type Repository struct {
	ID            int64
	Owner, Name   string
	Private, Fork bool
	DefaultBranch string
}

type pull struct {
	PullRequest
	repo     *repository
	headRepo *repository
	author   *Account
	mergedBy *Account
	comments []*IssueComment
	reviews  []*Review
	threads  []*Thread
}

// PullRequest is what can be known of a pull request.
type PullRequest struct {
	ID                 int64
	Owner, Repo        string
	Number             int
	Title, Body        string
	Author             string
	State              string // open or closed
	Draft, Merged      bool
	BaseRef, HeadRef   string // branch names
	BaseSHA, HeadSHA   string // BaseSHA: the base branch's tip at the last push or edit
	HeadOwner          string // differs from Owner for a fork
	HeadName           string
	MergeCommit        string
	Created, Updated   time.Time
	Closed             time.Time
	AllowMaintainer    bool
	CommentCount       int
	ReviewCommentCount int
}

// CheckSuite is the check suite of one App for one commit.
type CheckSuite struct {
	ID               int64
	AppID            int64
	HeadSHA          string
	HeadBranch       string // "" for a fork's commit
	Before           string
	Created, Updated time.Time
}

// CheckRun is a check run.
type CheckRun struct {
	ID, SuiteID, AppID     int64
	HeadSHA, Name          string
	ExternalID, DetailsURL string
	Status, Conclusion     string
	Started, Completed     time.Time
	Title, Summary, Text   string
	HasOutput              bool
	Annotations            []Annotation
	Actions                []Action
}

// Annotation is one annotation of a check run.
type Annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn *int   `json:"start_column"`
	EndColumn   *int   `json:"end_column"`
	Level       string `json:"annotation_level"`
	Message     string `json:"message"`
	Title       string `json:"title"`
	RawDetails  string `json:"raw_details"`
}

// Action is a button of a check run.
type Action struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// IssueComment is a comment in a pull request's conversation.
type IssueComment struct {
	ID               int64
	Author           *Account
	App              *App // that wrote it, or nil
	Body             string
	Created, Updated time.Time
	Reactions        []Reaction
	Minimized        string // the reason, or ""
}

// Reaction is one person's reaction to a comment.
type Reaction struct {
	ID      int64
	User    *Account
	Content string
	Created time.Time
}

// Review is a submitted review.
type Review struct {
	ID        int64
	Author    *Account
	App       *App
	Body      string
	State     string // COMMENTED, APPROVED, CHANGES_REQUESTED, DISMISSED
	CommitID  string
	Submitted time.Time
}

// ReviewComment is one comment of a thread.
type ReviewComment struct {
	ID, ReviewID     int64
	InReplyTo        int64 // 0 for the first of a thread
	Author           *Account
	App              *App
	Body             string
	Created, Updated time.Time
	Reactions        []Reaction
	Minimized        string
}

// Thread is a review thread: an anchor in the diff and its comments.
type Thread struct {
	ID                          int64
	Path                        string
	SubjectType                 string // line or file
	Side                        string // LEFT or RIGHT, of Line
	StartSide                   string // "" for a single line
	Line, StartLine             int    // in CommitID; 0 when outdated, StartLine 0 for a single line
	OriginalLine, OriginalStart int    // in OriginalCommit
	CommitID, OriginalCommit    string
	DiffHunk                    string
	Position, OriginalPosition  int // in the file's diff; Position 0 when outdated
	Outdated, Resolved          bool
	ResolvedBy                  *Account
	Comments                    []*ReviewComment
}

func (t *Thread) clone() Thread {
	c := *t
	c.Comments = nil
	for _, rc := range t.Comments {
		cc := *rc
		cc.Reactions = slices.Clone(rc.Reactions)
		c.Comments = append(c.Comments, &cc)
	}
	return c
}

// nodeID makes the opaque id by which GraphQL knows an object.
func nodeID(kind string, id int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id))
	return kind + "_kwDO" + base64.RawURLEncoding.EncodeToString(b[:])
}

func parseNodeID(s string) (kind string, id int64, ok bool) {
	kind, rest, ok := strings.Cut(s, "_kwDO")
	if !ok {
		return "", 0, false
	}
	b, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil || len(b) != 8 {
		return "", 0, false
	}
	return kind, int64(binary.BigEndian.Uint64(b)), true
}

// levels orders what a permission allows.
var levels = map[string]int{"read": 1, "write": 2, "admin": 3}

// allows says whether permissions grant one of names (separated by |) at level.
func allows(permissions map[string]string, names, level string) bool {
	for name := range strings.SplitSeq(names, "|") {
		if levels[permissions[name]] >= levels[level] {
			return true
		}
	}
	return false
}
