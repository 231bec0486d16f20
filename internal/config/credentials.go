package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// The folder below the data folder in which a set-up keeps the App's
// credentials, and its files.
const (
	credentialsDir = "github"
	appIDFile      = "app-id"
	privateKeyFile = "private-key.pem"
	secretFile     = "webhook-secret"
	closedFile     = "setup-closed.json"
)

// Credentials are what GitHub gives an App when it is made.
type Credentials struct {
	AppID         int64
	PrivateKey    Secret
	WebhookSecret Secret
}

// Store keeps the credentials in the data folder, readable to this user alone.
// A later Load finds them there where no variable is set.
func (c Credentials) Store(dataDir string) error {
	dir := filepath.Join(dataDir, credentialsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the credentials: %w", err)
	}
	// The id last: without it the others do not count.
	for _, f := range []struct{ name, text string }{
		{privateKeyFile, c.PrivateKey.Reveal()}, {secretFile, c.WebhookSecret.Reveal()}, {appIDFile, strconv.FormatInt(c.AppID, 10)},
	} {
		if err := writeWhole(filepath.Join(dir, f.name), []byte(f.text+"\n")); err != nil {
			return fmt.Errorf("keep the credentials: %w", err)
		}
	}
	return nil
}

// writeWhole writes a file with mode 0600 that is there whole or not at all.
func writeWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// SetupClosed is what stays of a set-up whose credentials were shown and not
// kept.
type SetupClosed struct {
	AppID int64     `json:"app_id"`
	At    time.Time `json:"at"`
}

// CloseSetup notes that a set-up was carried out, so that none is offered again.
func CloseSetup(dataDir string, s SetupClosed) error {
	dir := filepath.Join(dataDir, credentialsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("close the set-up: %w", err)
	}
	data, err := json.Marshal(s)
	if err == nil {
		err = writeWhole(filepath.Join(dir, closedFile), data)
	}
	if err != nil {
		return fmt.Errorf("close the set-up: %w", err)
	}
	return nil
}

// loadCredentials decides where the App's credentials come from: the variables,
// or, where none of them is set, what a set-up has kept, or a set-up that is
// still to be done.
func loadCredentials(v values, s *Server) error {
	for _, name := range []string{varAppID, varPrivateKey, varWebhookSecret} {
		if v.or(name, "") != "" {
			return nil
		}
	}
	dir := filepath.Join(s.DataDir, credentialsDir)
	if _, err := os.Stat(filepath.Join(dir, appIDFile)); err == nil {
		for variable, name := range map[string]string{varAppID: appIDFile, varPrivateKey: privateKeyFile, varWebhookSecret: secretFile} {
			path := filepath.Join(dir, name)
			text, err := readSecret(path)
			if err != nil {
				return fmt.Errorf("%s (kept by the set-up): %w", variable, err)
			}
			v[variable] = value{text: text, from: path}
		}
		return nil
	}
	closed := filepath.Join(dir, closedFile)
	if data, err := os.ReadFile(closed); err == nil {
		var done SetupClosed
		_ = json.Unmarshal(data, &done) // the words below do without
		return fmt.Errorf("%s: not set; the set-up made App %d on %s and showed its credentials once: give them, or remove %s to set up another", varAppID,
			done.AppID, done.At.UTC().Format(time.DateOnly), closed)
	}
	if v.or(varPublicURL, "") == "" {
		return fmt.Errorf("%s: not set; give the App's id, a number on its settings page, or set %s and open its /setup to make an App", varAppID, varPublicURL)
	}
	s.Setup = true
	return nil
}
