package githubsim

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Analysis is a SARIF report that was uploaded to code scanning.
type Analysis struct {
	ID       string
	HeadSHA  string
	Ref      string
	Document []byte // JSON
}

func scanningEndpoints() []endpoint {
	return []endpoint{
		{method: "POST", path: "/repos/{owner}/{repo}/code-scanning/sarifs", permission: "security_events", level: "write", handle: uploadSARIF},
	}
}

func uploadSARIF(c *call) (int, any, error) {
	var in struct {
		CommitSHA string `json:"commit_sha"`
		Ref       string `json:"ref"`
		SARIF     string `json:"sarif"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	bad := func(why string) (int, any, error) { return 0, nil, &apiError{status: 400, message: why} }
	if len(in.CommitSHA) != 40 || !strings.HasPrefix(in.Ref, "refs/") {
		return bad("commit_sha or ref is invalid")
	}
	packed, err := base64.StdEncoding.DecodeString(in.SARIF)
	if err != nil {
		return bad("sarif is not base64")
	}
	if len(packed) > 10<<20 {
		return 0, nil, &apiError{status: 413, message: "Payload too large"}
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return bad("sarif is not gzipped")
	}
	text, err := io.ReadAll(io.LimitReader(z, 100<<20))
	if err != nil {
		return bad("sarif is not gzipped")
	}
	var doc struct {
		Version string
		Runs    []struct{ Results []json.RawMessage }
	}
	if json.Unmarshal(text, &doc) != nil || doc.Version != "2.1.0" || len(doc.Runs) == 0 || len(doc.Runs) > 20 {
		return bad("sarif is not SARIF 2.1.0 of 1 to 20 runs")
	}
	id := fmt.Sprintf("%08x-6789-11e9-8123-456789abcdef", c.s.id()&0xffffffff)
	c.repo.analyses = append(c.repo.analyses, Analysis{ID: id, HeadSHA: in.CommitSHA, Ref: in.Ref, Document: text})
	c.s.touch()
	return 202, map[string]any{"id": id, "url": c.s.api("/repos/" + c.repo.fullName() + "/code-scanning/sarifs/" + id)}, nil
}

// Analyses gives the SARIF reports that a repository was given.
func (s *Server) Analyses(fullName string) []Analysis {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return nil
	}
	return append([]Analysis(nil), r.analyses...)
}
