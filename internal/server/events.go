package server

import (
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

// JobOf translates an event into the job that it asks for; ok is false when it
// asks for none, and why says the reason for the log. appID is our App's id:
// check runs of other Apps are none of our business.
func JobOf(e github.Event, delivery string, appID int64, now time.Time) (j jobs.Job, why string, ok bool) {
	switch {
	case e.Kind == github.Ignored:
		return jobs.Job{}, e.Reason, false
	case e.AppID != 0 && e.AppID != appID:
		return jobs.Job{}, "another App's check run", false
	case e.Name == "check_run" && e.AppID == 0:
		return jobs.Job{}, "a check run of no App", false
	}
	return jobs.Job{
		Delivery: delivery, Event: e.Name, Action: e.Action,
		InstallationID: e.InstallationID, RepositoryID: e.RepositoryID, Owner: e.Owner, Repo: e.Repo,
		Number: e.Number, HeadSHA: e.HeadSHA, BaseSHA: e.BaseSHA, BaseRef: e.BaseRef, HeadRepoID: e.HeadRepoID,
		Draft: e.Draft, Sender: e.Sender, CommentID: e.CommentID, Enqueued: now,
	}, "", true
}
