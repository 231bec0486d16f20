package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// graphqlError is what GitHub says of one part of a GraphQL request. Errors of
// the query itself have their kind in the extensions.
type graphqlError struct {
	Type       string `json:"type"`
	Message    string `json:"message"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

type graphqlErrors []graphqlError

func (e graphqlErrors) Error() string {
	var parts []string
	for i, one := range e {
		if i == 3 {
			break
		}
		text := one.Message
		if len(text) > 200 {
			text = text[:200]
		}
		parts = append(parts, strings.TrimSpace(one.Type+" "+text))
	}
	return "GraphQL: " + strings.Join(parts, "; ")
}

func (e graphqlErrors) has(kinds ...string) bool {
	for _, one := range e {
		for _, k := range kinds {
			if one.Type == k || one.Extensions.Code == k {
				return true
			}
		}
	}
	return false
}

// errNoGraphQL says that what answered is no GraphQL server.
var errNoGraphQL = errors.New("graphql: the answer cannot be read")

// graphql makes one GraphQL request and decodes its data into out. ctx says by
// reading or writing what it is for.
func (a *access) graphql(ctx context.Context, query string, variables map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return fmt.Errorf("graphql: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.c.graphqlURL(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("graphql: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return &statusError{call: "graphql", status: resp.StatusCode}
	}
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors graphqlErrors   `json:"errors"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%w: not JSON", errNoGraphQL)
	}
	if answer.Errors.has("RATE_LIMITED") {
		now := a.c.opt.Now()
		limit := &LimitError{wait: defaultSecondary, Until: now.Add(defaultSecondary)}
		a.c.hold(a.key.installation, limit.Until)
		return limit
	}
	if len(answer.Errors) > 0 {
		if answer.Errors.has("NOT_FOUND") {
			return fmt.Errorf("%w: %w", ErrGone, answer.Errors)
		}
		return answer.Errors
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fmt.Errorf("%w: not of the expected form", errNoGraphQL)
	}
	return nil
}

func (c *Client) graphqlURL() string { return c.graphql.String() }

// stamp is a time in the form that GitHub's API takes.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
