package githubsim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxJWTLife    = 10 * time.Minute
	clockSkew     = 60 * time.Second
	tokenLifetime = time.Hour
)

// bearer gives the credential of a request, "" when there is none.
func bearer(r *http.Request) string {
	scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case ok && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token")):
		return strings.TrimSpace(value)
	case ok && strings.EqualFold(scheme, "basic"):
		if _, password, ok := r.BasicAuth(); ok {
			return password
		}
	}
	return ""
}

// appOf gives the App that a JWT speaks for. s.mu is held.
func (s *Server) appOf(jwt string) (*App, *apiError) {
	const undecodable = "A JSON web token could not be decoded"
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil, unauthorized(undecodable)
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Issuer   any         `json:"iss"`
		Issued   json.Number `json:"iat"`
		Expires  json.Number `json:"exp"`
		NotUntil json.Number `json:"nbf"`
	}
	if !decodeSegment(parts[0], &header) || !decodeSegment(parts[1], &claims) {
		return nil, unauthorized(undecodable)
	}
	if header.Alg != "RS256" {
		return nil, unauthorized(undecodable)
	}
	app := s.appByIssuer(fmt.Sprint(claims.Issuer))
	if app == nil {
		return nil, &apiError{status: 404, message: "Integration not found"}
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(&app.Key.PublicKey, crypto.SHA256, sum[:], sig) != nil {
		return nil, unauthorized(undecodable)
	}
	now := s.clock()
	issued, okI := claimTime(claims.Issued)
	expires, okE := claimTime(claims.Expires)
	switch {
	case !okE:
		return nil, unauthorized("'Expiration' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case !expires.After(now):
		return nil, unauthorized("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case expires.Sub(now) > maxJWTLife+clockSkew, okI && expires.Sub(issued) > maxJWTLife+clockSkew:
		return nil, unauthorized("'Expiration time' claim ('exp') is too far in the future")
	case !okI:
		return nil, unauthorized("Missing 'issued at' claim ('iat') in assertion")
	case issued.After(now.Add(clockSkew / 2)):
		return nil, unauthorized("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	return app, nil
}

func (s *Server) appByIssuer(issuer string) *App {
	for _, a := range s.apps {
		if issuer == strconv.FormatInt(a.ID, 10) || issuer == a.clientID() {
			return a
		}
	}
	return nil
}

func (a *App) clientID() string { return fmt.Sprintf("Iv23li%014d", a.ID) }

func decodeSegment(s string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return false
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	return d.Decode(into) == nil
}

func claimTime(n json.Number) (time.Time, bool) {
	f, err := n.Float64()
	if err != nil || f <= 0 || f > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0), true
}

// tokenOf gives the installation token of a request. s.mu is held.
func (s *Server) tokenOf(value string) (*token, *apiError) {
	if value == "" {
		return nil, unauthorized("Requires authentication")
	}
	t := s.tokens[value]
	if t == nil || !s.clock().Before(t.expires) {
		return nil, unauthorized("Bad credentials")
	}
	return t, nil
}

// newToken makes an installation token. s.mu is held.
func (s *Server) newToken(in *installation, permissions map[string]string, repositories map[int64]bool) *token {
	t := &token{
		value: "ghs_" + rand.Text() + rand.Text()[:10], installation: in,
		permissions: permissions, repositories: repositories,
		expires: s.now().Add(tokenLifetime),
	}
	s.tokens[t.value] = t
	return t
}

// IssueToken makes a token with all that an installation may do, as the API
// would for its App.
func (s *Server) IssueToken(installationID int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.installations[installationID]
	if in == nil {
		return "", fmt.Errorf("githubsim: no installation %d", installationID)
	}
	return s.newToken(in, maps.Clone(in.permissions), nil).value, nil
}

// RevokeTokens makes all tokens of an installation invalid.
func (s *Server) RevokeTokens(installationID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v, t := range s.tokens {
		if t.installation.id == installationID {
			delete(s.tokens, v)
		}
	}
}

// may says whether a token has one of the permissions at a level for a
// repository. What is public may be read with any token.
func (t *token) may(r *repository, permission, level string) *apiError {
	if !t.covers(r) {
		if r.private {
			return notFound()
		}
		if level == "read" {
			return nil
		}
		return forbidden()
	}
	if permission != "metadata" && !allows(t.permissions, permission, level) {
		return forbidden()
	}
	return nil
}

// apiError is an error in GitHub's words.
type apiError struct {
	status  int
	message string
	errors  []any
	header  http.Header
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s", e.status, e.message) }

func unauthorized(message string) *apiError { return &apiError{status: 401, message: message} }
func notFound() *apiError                   { return &apiError{status: 404, message: "Not Found"} }
func forbidden() *apiError {
	return &apiError{status: 403, message: "Resource not accessible by integration"}
}

// invalid is a 422 whose errors name fields.
func invalid(resource, field, code, message string) *apiError {
	e := map[string]any{"resource": resource, "field": field, "code": code}
	if message != "" {
		e["message"] = message
	}
	return &apiError{status: 422, message: "Validation Failed", errors: []any{e}}
}

// unprocessable is a 422 whose errors are sentences.
func unprocessable(sentences ...string) *apiError {
	e := &apiError{status: 422, message: "Unprocessable Entity"}
	for _, s := range sentences {
		e.errors = append(e.errors, s)
	}
	return e
}
