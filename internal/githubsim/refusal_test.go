package githubsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

type refusal struct {
	name, method, path string
	body               any
	status             int
	says               string
}

type object = map[string]any

func refusals(w *world) []refusal {
	const r = "/repos/acme/shop"
	head := w.head()
	review := func(name, says string, comments ...any) refusal {
		return refusal{name, "POST", r + "/pulls/1/reviews", object{
			"commit_id": head, "event": "COMMENT", "body": "Review", "comments": comments,
		}, 422, says}
	}
	at := func(more object) object {
		c := object{"path": "k8s/api.yaml", "body": "Comment", "side": "RIGHT"}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	run := func(name, says string, status int, more object) refusal {
		b := object{"name": "plimsoll", "head_sha": head}
		for k, v := range more {
			b[k] = v
		}
		return refusal{name, "POST", r + "/check-runs", b, status, says}
	}
	annotations := make([]any, 51)
	for i := range annotations {
		annotations[i] = object{"path": "k8s/api.yaml", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
	}
	output := func(more object) object {
		o := object{"title": "Title", "summary": "Summary"}
		for k, v := range more {
			o[k] = v
		}
		return object{"output": o}
	}
	annotation := func(more object) object {
		a := object{"path": "k8s/api.yaml", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
		for k, v := range more {
			a[k] = v
		}
		return output(object{"annotations": []any{a}})
	}
	action := func(label, description, identifier string) object {
		return object{"label": label, "description": description, "identifier": identifier}
	}
	return []refusal{
		review("line outside the hunks", "Line could not be resolved", at(object{"line": 10}), at(object{"line": 25})),
		review("line beyond the file", "Line could not be resolved", at(object{"line": 2000})),
		review("no line", "Line could not be resolved", at(nil)),
		review("file outside the diff", "Path could not be resolved", object{"path": "README.md", "line": 1, "body": "Comment"}),
		review("start and line in different hunks", "same hunk", at(object{"start_line": 10, "start_side": "RIGHT", "line": 40})),
		review("start equal to line", "precede", at(object{"start_line": 10, "start_side": "RIGHT", "line": 10})),
		review("start after line", "precede", at(object{"start_line": 11, "start_side": "RIGHT", "line": 10})),
		review("no such side", "Side", object{"path": "k8s/api.yaml", "body": "Comment", "side": "BOTH", "line": 10}),
		review("added line on the left", "Line could not be resolved", object{"path": "k8s/api.yaml", "body": "Comment", "side": "LEFT", "line": 45}),
		review("comment without a body", "blank", object{"path": "k8s/api.yaml", "line": 10, "body": " "}),
		review("comment too long", "too long", at(object{"line": 10, "body": strings.Repeat("é", 65537)})),
		review("file comment in a review", "subject_type", at(object{"subject_type": "file"})),
		{"review without a body", "POST", r + "/pulls/1/reviews", object{"event": "COMMENT"}, 422, "Body can't be blank"},
		{"review of an unknown event", "POST", r + "/pulls/1/reviews", object{"event": "LIKE", "body": "b"}, 422, "Event"},
		{"review of a foreign commit", "POST", r + "/pulls/1/reviews", object{"event": "COMMENT", "body": "b", "commit_id": strings.Repeat("a", 40)}, 422, "Commit"},
		{"comment outside the diff", "POST", r + "/pulls/1/comments", object{"commit_id": head, "path": "k8s/api.yaml", "line": 25, "body": "b"}, 422, "Validation Failed"},
		run("completed without conclusion", "conclusion", 422, object{"status": "completed"}),
		run("unknown conclusion", "Validation Failed", 422, object{"status": "completed", "conclusion": "great"}),
		run("unknown status", "Validation Failed", 422, object{"status": "done"}),
		run("51 annotations", "No more than 50", 422, output(object{"annotations": annotations})),
		run("summary too long", "Only 65535", 422, output(object{"summary": strings.Repeat("x", 65536)})),
		run("text too long", "Only 65535", 422, output(object{"text": strings.Repeat("x", 65536)})),
		run("title too long", "Only 255", 422, output(object{"title": strings.Repeat("x", 256)})),
		run("no summary", "summary", 422, object{"output": object{"title": "Title"}}),
		run("message too long", "Validation Failed", 422, annotation(object{"message": strings.Repeat("x", 64<<10+1)})),
		run("annotation's title too long", "Validation Failed", 422, annotation(object{"title": strings.Repeat("x", 256)})),
		run("unknown level", "Validation Failed", 422, annotation(object{"annotation_level": "critical"})),
		run("line 0", "Validation Failed", 422, annotation(object{"start_line": 0})),
		run("columns over lines", "Validation Failed", 422, annotation(object{"end_line": 2, "start_column": 1})),
		run("four actions", "No more than 3", 422, object{"actions": []any{
			action("a", "a", "a"), action("b", "b", "b"), action("c", "c", "c"), action("d", "d", "d")}}),
		run("label too long", "Only 20", 422, object{"actions": []any{action(strings.Repeat("l", 21), "d", "i")}}),
		run("description too long", "Only 40", 422, object{"actions": []any{action("l", strings.Repeat("d", 41), "i")}}),
		run("identifier too long", "Only 20", 422, object{"actions": []any{action("l", "d", strings.Repeat("i", 21))}}),
		run("unknown commit", "No commit found", 422, object{"head_sha": strings.Repeat("a", 40)}),
		{"check run without a name", "POST", r + "/check-runs", object{"head_sha": head}, 422, "name"},
		{"empty issue comment", "POST", r + "/issues/1/comments", object{"body": ""}, 422, "Validation Failed"},
		{"issue comment too long", "POST", r + "/issues/1/comments", object{"body": strings.Repeat("x", 65537)}, 422, "Validation Failed"},
		{"no such pull request", "GET", r + "/pulls/99", nil, 404, "Not Found"},
		{"no such repository", "GET", "/repos/acme/none", nil, 404, "Not Found"},
		{"no such file", "GET", r + "/contents/none.yml", nil, 404, "Not Found"},
		{"no such revision", "GET", r + "/compare/none...main", nil, 404, "Not Found"},
	}
}

func TestGitHubsLimitsHold(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	for _, tt := range refusals(w) {
		status, body := w.call(tt.method, tt.path, tt.body)
		if text := fmt.Sprint(body); status != tt.status || !strings.Contains(text, tt.says) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, status, text, tt.status, tt.says)
		}
	}
	// One bad comment loses the whole review, and nothing else stays behind.
	if n := len(w.Threads(shop, 1)) + len(w.Reviews(shop, 1)) + len(w.CheckRuns(shop, w.head())) + len(w.Comments(shop, 1)); n != 0 {
		t.Errorf("%d things stayed of refused requests", n)
	}
}

// The longest that GitHub takes is taken.
func TestGitHubsLimitsAreNotTighter(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	annotations := make([]any, 50)
	for i := range annotations {
		annotations[i] = object{"path": "k8s/api.yaml", "start_line": 1, "end_line": 1, "annotation_level": "notice",
			"message": strings.Repeat("m", 1<<10), "title": strings.Repeat("é", 255)}
	}
	status, run := w.call("POST", "/repos/acme/shop/check-runs", object{
		"name": "plimsoll", "head_sha": w.head(), "status": "completed", "conclusion": "neutral",
		"output":  object{"title": strings.Repeat("t", 255), "summary": strings.Repeat("s", 65535), "text": strings.Repeat("x", 65535), "annotations": annotations},
		"actions": []any{object{"label": strings.Repeat("l", 20), "description": strings.Repeat("d", 40), "identifier": strings.Repeat("i", 20)}},
	})
	if status != 201 {
		t.Fatalf("check run: %d %v", status, run["message"])
	}
	// Annotations of later requests are appended.
	status, run = w.call("PATCH", fmt.Sprintf("/repos/acme/shop/check-runs/%.0f", run["id"]), object{
		"output": object{"title": "t", "summary": "s", "annotations": annotations},
	})
	if n := len(w.CheckRuns(shop, w.head())[0].Annotations); status != 200 || n != 100 {
		t.Errorf("PATCH: %d, %d annotations, %v", status, n, run["message"])
	}
	status, body := w.call("POST", "/repos/acme/shop/pulls/1/reviews", object{
		"commit_id": w.head(), "event": "COMMENT", "body": "b", "comments": []any{
			object{"path": "k8s/api.yaml", "line": 7, "body": "a context line, side left out"},
			object{"path": "k8s/api.yaml", "line": 40, "side": "LEFT", "body": "a deleted line"},
			object{"path": "k8s/api.yaml", "start_line": 37, "start_side": "RIGHT", "line": 44, "side": "RIGHT", "body": strings.Repeat("é", 65536)},
		},
	})
	if status != 200 {
		t.Errorf("review: %d %v", status, body)
	}
}
