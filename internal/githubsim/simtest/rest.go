package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

var openAPI = sync.OnceValues(func() (*openapi3.T, error) {
	b, err := description("openapi.json")
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(b)
})

// Validate serves a simulated GitHub (see githubsim.Options.Front) and fails the test for every request that
// GitHub would not understand, every answer that GitHub does not describe, and
// every GraphQL document that its schema refuses. A request that was refused
// with 400 or 422 may be as wrong as it likes.
func Validate(t testing.TB, s *githubsim.Server) http.Handler {
	t.Helper()
	doc, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := graphQLSchema(); err != nil {
		t.Fatal(err)
	}
	next := s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		template, params := s.Match(r)
		graphql := strings.HasSuffix(r.URL.Path, "/graphql")
		if template == "" && !graphql {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s %s: read body: %v", r.Method, r.URL.Path, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		if graphql {
			if err := checkGraphQL(body, rec); err != nil {
				t.Errorf("GraphQL: %v\n%s", err, body)
			}
		} else if err := checkREST(r.Context(), doc, template, params, r, body, rec); err != nil {
			t.Errorf("%s %s (%d): %v\nrequest %s\nanswer %s", r.Method, r.URL, rec.Code, err, clip(body), clip(rec.Body.Bytes()))
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		if _, err := w.Write(rec.Body.Bytes()); err != nil {
			t.Logf("client went away: %v", err)
		}
	})
}

func clip(b []byte) string {
	const most = 2000
	if len(b) > most {
		return string(b[:most]) + "…"
	}
	return string(b)
}

func checkREST(
	ctx context.Context, doc *openapi3.T, template string, params map[string]string,
	r *http.Request, body []byte, rec *httptest.ResponseRecorder,
) error {
	method, path, _ := strings.Cut(template, " ")
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return fmt.Errorf("GitHub describes no %s", template)
	}
	operation := item.GetOperation(method)
	req := r.Clone(ctx)
	req.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params,
		Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	refused := rec.Code == http.StatusUnprocessableEntity || rec.Code == http.StatusBadRequest
	if !refused {
		if err := checkRequest(ctx, input, operation, body); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	if rec.Code < 300 && strings.Contains(rec.Header().Get("Content-Type"), "raw") {
		return nil // the description speaks of the JSON form alone
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: rec.Code, Header: rec.Header(),
		Body:    io.NopCloser(bytes.NewReader(rec.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: rec.Code < 400},
	}
	if err := openapi3filter.ValidateResponse(ctx, answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if rec.Code >= 400 {
		var e struct {
			Message          string `json:"message"`
			DocumentationURL string `json:"documentation_url"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil || e.Message == "" || e.DocumentationURL == "" {
			return fmt.Errorf("answer: an error without message or documentation_url")
		}
	}
	return nil
}

func checkRequest(ctx context.Context, input *openapi3filter.RequestValidationInput, operation *openapi3.Operation, body []byte) error {
	if len(body) > 0 {
		if operation.RequestBody == nil {
			return fmt.Errorf("a body where GitHub takes none")
		}
		input.Request.Header.Set("Content-Type", "application/json")
	}
	for name := range input.Request.URL.Query() {
		if operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("query parameter %q is not described", name)
		}
	}
	return openapi3filter.ValidateRequest(ctx, input)
}
