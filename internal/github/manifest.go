package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// NewApp is what GitHub tells once of an App that was made from a manifest.
type NewApp struct {
	ID                  int64
	Slug, Name, HTMLURL string
	PrivateKey          string // PEM
	WebhookSecret       string
}

// ConvertManifest exchanges the code that GitHub gave after an App was made from
// a manifest. It works once, within an hour. apiURL is the REST base; transport
// nil is NewTransport's.
func ConvertManifest(ctx context.Context, transport http.RoundTripper, apiURL, code string) (NewApp, error) {
	if code == "" || len(code) > 200 {
		return NewApp{}, errors.New("GitHub gave no code")
	}
	if transport == nil {
		transport = newTransport()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, apiURL+"/app-manifests/"+url.PathEscape(code)+"/conversions", nil)
	if err != nil {
		return NewApp{}, fmt.Errorf("exchange the code: %w", err)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("User-Agent", userAgent)
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		// The error of the client holds the address, and with it the code.
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return NewApp{}, fmt.Errorf("exchange the code: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusCreated {
		return NewApp{}, &statusError{call: "exchange the code", status: resp.StatusCode}
	}
	var got struct {
		ID            int64  `json:"id"`
		Slug          string `json:"slug"`
		Name          string `json:"name"`
		HTMLURL       string `json:"html_url"`
		PEM           string `json:"pem"`
		WebhookSecret string `json:"webhook_secret"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&got); err != nil {
		return NewApp{}, errors.New("exchange the code: GitHub's answer cannot be read")
	}
	if _, err := ParsePrivateKey([]byte(got.PEM)); err != nil || got.ID <= 0 || got.WebhookSecret == "" {
		return NewApp{}, errors.New("exchange the code: GitHub's answer has no App with its key and secret")
	}
	return NewApp{ID: got.ID, Slug: got.Slug, Name: got.Name, HTMLURL: got.HTMLURL, PrivateKey: got.PEM, WebhookSecret: got.WebhookSecret}, nil
}
