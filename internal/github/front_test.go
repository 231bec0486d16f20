//go:build !githubdescriptions

package github

import (
	"net/http"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// front serves the simulated GitHub as it is. Under the tag githubdescriptions
// every exchange is held against GitHub's own descriptions.
func front(testing.TB) func(*githubsim.Server) http.Handler { return nil }
