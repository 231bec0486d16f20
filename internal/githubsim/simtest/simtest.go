// Package simtest holds the simulated GitHub, and whoever talks to it, against
// GitHub's own descriptions: the OpenAPI description of REST, the schema of
// GraphQL and those of the webhooks. They are a development dependency that
// `make github-descriptions` fetches; tests that need them carry the build tag
// githubdescriptions.
package simtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// folderVariable names the environment variable that says where the
// descriptions are; without it they are looked for in the checkout.
const folderVariable = "PLIMSOLL_GITHUB_DESCRIPTIONS"

var folder = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(folderVariable); dir != "" {
		return dir, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".ci", "npm", "descriptions"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not within a checkout")
		}
		dir = parent
	}
})

func description(name string) ([]byte, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("GitHub's descriptions are not there: run `make github-descriptions` (%w)", err)
	}
	return b, err
}
