package pages_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// bot speaks to the API as the App does.
type bot struct {
	t    *testing.T
	s    *githubsim.Server
	inst int64
}

func (b bot) send(path string, body any) map[string]any {
	b.t.Helper()
	token, err := b.s.IssueToken(b.inst)
	if err != nil {
		b.t.Fatal(err)
	}
	j, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), "POST", b.s.APIURL()+path, bytes.NewReader(j))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	var out map[string]any
	err = json.NewDecoder(resp.Body).Decode(&out)
	if closeErr := resp.Body.Close(); err != nil || closeErr != nil || resp.StatusCode >= 300 {
		b.t.Fatalf("POST %s: %d %v %v %v", path, resp.StatusCode, out, err, closeErr)
	}
	return out
}
