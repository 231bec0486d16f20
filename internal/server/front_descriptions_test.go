//go:build githubdescriptions

package server

import (
	"net/http"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim/simtest"
)

// front holds every exchange with the simulated GitHub against GitHub's own
// descriptions.
func front(t testing.TB) func(*githubsim.Server) http.Handler {
	return func(s *githubsim.Server) http.Handler { return simtest.Validate(t, s) }
}
