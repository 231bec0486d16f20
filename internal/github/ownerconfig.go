package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"
)

const (
	configTTL  = 5 * time.Minute
	configPath = ".plimsoll.yml"
	configRepo = ".github"
	maxConfig  = 1 << 20
	maxConfigs = 4096
)

// ownerConfig is what is known of one owner's configuration.
type ownerConfig struct {
	mu    sync.Mutex
	data  []byte // nil: there is none
	etag  string
	until time.Time
}

// OwnerConfig gives the .plimsoll.yml of the owner's .github repository, nil
// where there is none or where the App may not read it. The answer is at most
// five minutes old, and younger than the last Forget of the installation; one
// call serves all of an owner's pull requests.
func (c *Client) OwnerConfig(ctx context.Context, pr PullRequest) ([]byte, error) {
	key := strconv.FormatInt(pr.InstallationID, 10) + "/" + strings.ToLower(pr.Owner)
	now := c.opt.Now()
	c.catchUp(ctx, pr)
	c.mu.Lock()
	entry := c.configs[key]
	if entry == nil {
		if len(c.configs) >= maxConfigs {
			clear(c.configs)
		}
		entry = &ownerConfig{}
		c.configs[key] = entry
	}
	c.mu.Unlock()

	entry.mu.Lock()
	defer entry.mu.Unlock()
	if now.Before(entry.until) {
		return entry.data, nil
	}
	data, etag, err := c.readConfig(ctx, pr, entry)
	if err != nil {
		return nil, err
	}
	entry.data, entry.etag, entry.until = data, etag, now.Add(configTTL)
	return data, nil
}

func (c *Client) readConfig(ctx context.Context, pr PullRequest, known *ownerConfig) ([]byte, string, error) {
	a := c.access(accessKey{installation: pr.InstallationID, name: configRepo, grant: grantConfig})
	if pr.Repo == configRepo {
		a = c.review(pr)
	}
	req, err := a.rest.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/contents/%s", pr.Owner, configRepo, configPath), nil)
	if err != nil {
		return nil, "", fmt.Errorf("organisation configuration: %w", err)
	}
	if known.etag != "" {
		req.Header.Set("If-None-Match", known.etag)
	}
	var file gh.RepositoryContent
	resp, err := a.rest.Do(reading(ctx, "owner config"), req, &file)
	switch {
	case err == nil:
		data, err := contentOf(&file)
		if err != nil {
			return nil, "", fmt.Errorf("organisation configuration: %w", err)
		}
		return data, resp.Header.Get("ETag"), nil
	case status(err) == http.StatusNotModified && known.etag != "":
		return known.data, known.etag, nil
	case status(err) == http.StatusNotFound, status(err) == http.StatusForbidden, errors.Is(err, ErrGone):
		// No such repository, no such file, or not among those that the App
		// is installed on: there is no configuration that it could read.
		return nil, "", nil
	}
	return nil, "", explain(ctx, "organisation configuration", err)
}

// contentOf gives the bytes of a file as the contents API tells them.
func contentOf(file *gh.RepositoryContent) ([]byte, error) {
	if kind := file.GetType(); kind != "" && kind != "file" {
		return nil, fmt.Errorf("%s is not a file", configPath)
	}
	if file.GetSize() > maxConfig {
		return nil, fmt.Errorf("over %d bytes", maxConfig)
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, errors.New("its content cannot be decoded")
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("over %d bytes", maxConfig)
	}
	return []byte(text), nil
}
