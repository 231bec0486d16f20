package server

import (
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

// JobOf translates an event into the job that it asks for; ok is false when it
// asks for none, and why says the reason for the log. appID is our App's id:
// check runs and suites of other Apps are none of our business.
func JobOf(e github.Event, delivery string, appID int64, now time.Time) (j jobs.Job, why string, ok bool) {
	switch {
	case e.Kind == github.Ignored:
		return jobs.Job{}, e.Reason, false
	case e.AppID != 0 && e.AppID != appID:
		return jobs.Job{}, "another App's check run", false
	case (e.Name == "check_run" || e.Name == "check_suite") && e.AppID == 0:
		return jobs.Job{}, "a check run of no App", false
	}
	j = jobs.Job{
		Delivery: delivery, Event: e.Name, Action: e.Action,
		InstallationID: e.InstallationID, RepositoryID: e.RepositoryID, Owner: e.Owner, Repo: e.Repo,
		Number: e.Number, HeadSHA: e.HeadSHA, BaseSHA: e.BaseSHA, BaseRef: e.BaseRef, HeadRepoID: e.HeadRepoID,
		Draft: e.Draft, Sender: e.Sender, SenderID: e.SenderID, CommentID: e.CommentID, InReplyTo: e.InReplyTo,
		Command: e.Command, Argument: e.Argument, Enqueued: now,
	}
	switch e.Kind {
	case github.Missed:
		// Not the pull request's: it must not replace or stop a review.
		j.Ref = "head/" + e.HeadSHA
	case github.Group:
		j.Ref = "group/" + e.HeadSHA
	case github.Refresh:
		j.RepositoryID, j.Owner, j.Repo, j.Ref = 0, "", "", refInstallation
	}
	return j, "", true
}

// refInstallation is the Ref of jobs that are about an installation as a whole.
const refInstallation = "installation"
