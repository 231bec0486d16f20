package github

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	gh "github.com/google/go-github/v60/github"
)

// maxSARIF is what code scanning takes, gzipped.
const maxSARIF = 10 << 20

// ErrNoCodeScanning says that the repository has no code scanning, or the App no
// permission for it.
var ErrNoCodeScanning = errors.New("code scanning is not on, or the App lacks security_events: write")

// UploadSARIF gives a SARIF report of pr's head to code scanning. Uploading one
// again replaces it.
func (c *Client) UploadSARIF(ctx context.Context, pr PullRequest, report []byte) error {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(report); err != nil {
		return fmt.Errorf("code scanning: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("code scanning: %w", err)
	}
	if packed.Len() > maxSARIF {
		return fmt.Errorf("code scanning: a report of %d bytes is over the %d that GitHub takes", packed.Len(), maxSARIF)
	}
	a := c.access(accessKey{installation: pr.InstallationID, repository: pr.RepositoryID, grant: grantScanning})
	_, _, err := a.rest.CodeScanning.UploadSarif(reading(ctx, "upload sarif"), pr.Owner, pr.Repo, &gh.SarifAnalysis{
		CommitSHA: gh.String(pr.HeadSHA), Ref: gh.String(pr.HeadRef()), ToolName: gh.String("Plimsoll"),
		Sarif: gh.String(base64.StdEncoding.EncodeToString(packed.Bytes())),
	})
	switch {
	case errors.Is(err, ErrGone), status(err) == http.StatusForbidden, status(err) == http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNoCodeScanning, err)
	case err != nil:
		return explain(ctx, "code scanning", err)
	}
	return nil
}
