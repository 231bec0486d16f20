//go:build githubdescriptions

package githubsim_test

import (
	"fmt"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim/simtest"
)

// Every field that is served is in GitHub's schema, and its value of the type
// that the schema gives: a query for all of them passes the validation.
func TestGraphQLFitsGitHubsSchema(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, writing, validated(t))
	w.call("POST", "/repos/acme/shop/pulls/1/reviews", object{"event": "COMMENT", "body": "b", "commit_id": w.head(),
		"comments": []any{object{"path": "k8s/api.yaml", "line": 10, "body": "c"}}})
	w.call("POST", "/repos/acme/shop/check-runs", object{"name": "plimsoll", "head_sha": w.head(), "status": "completed", "conclusion": "failure",
		"output": object{"title": "t", "summary": "s", "annotations": []any{object{
			"path": "k8s/api.yaml", "start_line": 1, "end_line": 2, "annotation_level": "warning", "message": "m"}}}})
	if _, err := w.Comment(shop, 1, "dev", "said"); err != nil {
		t.Fatal(err)
	}
	schema, err := simtest.GraphQLSchema()
	if err != nil {
		t.Fatal(err)
	}
	for name, fields := range githubsim.ServedFields() {
		definition := schema.Types[name]
		if definition == nil {
			t.Errorf("GitHub has no type %s", name)
			continue
		}
		for _, f := range fields {
			if f != "__typename" && definition.Fields.ForName(f) == nil {
				t.Errorf("GitHub's %s has no field %s", name, f)
			}
		}
	}
	data, errs := w.query(`query All($owner: String!, $name: String!, $number: Int!, $oid: GitObjectID!) {
	  viewer { login id databaseId url }
	  rateLimit { limit cost remaining resetAt used nodeCount }
	  repository(owner: $owner, name: $name) {
	    id databaseId name nameWithOwner isPrivate isFork isArchived isEmpty url owner { __typename login }
	    defaultBranchRef { name prefix target { oid __typename } }
	    object(oid: $oid) { ... on Commit {
	      oid abbreviatedOid message messageHeadline messageBody committedDate authoredDate url parents(first: 1) { nodes { oid } }
	      tree { oid entries { name mode type oid object { ... on Blob { byteSize isBinary isTruncated text } } } }
	      checkSuites(first: 5, filterBy: {checkName: "plimsoll"}) { totalCount nodes { id databaseId status conclusion createdAt updatedAt app { id slug databaseId name }
	        checkRuns(first: 5, filterBy: {checkName: "plimsoll"}) { nodes { id databaseId name status conclusion title summary text externalId detailsUrl startedAt completedAt url
	          annotations(first: 5) { nodes { path annotationLevel message title rawDetails location { start { line column } end { line column } } } } } } } } } }
	    pullRequests(first: 5, states: [OPEN], headRefName: "change") { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { number } } }
	    pullRequest(number: $number) {
	      id databaseId fullDatabaseId number title body state isDraft merged closed locked url authorAssociation author { __typename login }
	      headRefName headRefOid baseRefName baseRefOid isCrossRepository maintainerCanModify createdAt updatedAt closedAt mergedAt mergeable changedFiles
	      headRepositoryOwner { login } headRepository { nameWithOwner } baseRepository { nameWithOwner } headRef { name target { oid } } baseRef { name }
	      files(first: 5) { nodes { path additions deletions changeType } }
	      commits(last: 5) { nodes { id commit { oid } } }
	      reviewThreads(first: 5) { nodes { id isResolved isOutdated isCollapsed path line startLine originalLine originalStartLine diffSide startDiffSide subjectType
	        resolvedBy { login } viewerCanResolve viewerCanUnresolve viewerCanReply repository { id } pullRequest { id }
	        comments(first: 5) { totalCount nodes { id databaseId fullDatabaseId body author { login } authorAssociation path line originalLine startLine originalStartLine
	          diffHunk outdated createdAt updatedAt isMinimized minimizedReason viewerDidAuthor url replyTo { id } commit { oid } originalCommit { oid } pullRequestReview { id } } } } }
	      comments(first: 5) { nodes { id databaseId body author { login } createdAt updatedAt isMinimized minimizedReason viewerDidAuthor } }
	      reviews(first: 5) { nodes { id databaseId body state author { login } submittedAt viewerDidAuthor commit { oid } } }
	    } } }`, map[string]any{"owner": "acme", "name": "shop", "number": 1, "oid": w.head()})
	if errs != nil {
		t.Fatal(errs)
	}
	pr := data["repository"].(object)["pullRequest"].(object)
	first := func(key string) object { return pr[key].(object)["nodes"].([]any)[0].(object) }
	thread := first("reviewThreads")
	comment := thread["comments"].(object)["nodes"].([]any)[0].(object)
	for _, doc := range []string{
		`mutation($id: ID!) { resolveReviewThread(input: {threadId: $id, clientMutationId: "1"}) { clientMutationId thread { isResolved resolvedBy { login } } } }`,
		`mutation($id: ID!) { unresolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }`,
		`mutation($id: ID!) { addPullRequestReviewThreadReply(input: {pullRequestReviewThreadId: $id, body: "b"}) { comment { id replyTo { id } } } }`,
		`query($id: ID!) { node(id: $id) { __typename ... on PullRequestReviewThread { comments(last: 1) { nodes { body } } } } }`,
	} {
		if _, errs := w.query(doc, map[string]any{"id": thread["id"]}); errs != nil {
			t.Errorf("%s: %v", doc, errs)
		}
	}
	for _, doc := range []string{
		`mutation($id: ID!) { updatePullRequestReviewComment(input: {pullRequestReviewCommentId: $id, body: "b"}) { pullRequestReviewComment { body } } }`,
		`mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: RESOLVED}) { minimizedComment { isMinimized minimizedReason } } }`,
		`mutation($id: ID!) { unminimizeComment(input: {subjectId: $id}) { unminimizedComment { isMinimized } } }`,
		`mutation($id: ID!) { addReaction(input: {subjectId: $id, content: EYES}) { reaction { content databaseId } } }`,
	} {
		if _, errs := w.query(doc, map[string]any{"id": comment["id"]}); errs != nil {
			t.Errorf("%s: %v", doc, errs)
		}
	}
	if got := w.Threads(shop, 1)[0]; got.Resolved || len(got.Comments) != 2 || got.Comments[0].Body != "b" || fmt.Sprint(got.Comments[0].Reactions[0].Content) != "eyes" {
		t.Errorf("thread after all: %+v", got)
	}
}
