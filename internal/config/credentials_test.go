package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCredentialsOfASetUp(t *testing.T) {
	key, _ := newKey(t)
	dir := t.TempDir()
	env := map[string]string{varDataDir: dir}
	if _, err := Load(environment(env), ""); err == nil || !strings.HasPrefix(err.Error(), "PLIMSOLL_GITHUB_APP_ID: not set") {
		t.Errorf("nothing set: %v", err)
	}
	env[varPublicURL] = "https://plimsoll.example"
	s, err := Load(environment(env), "")
	if err != nil || !s.Setup || s.GitHub.APIURL != defaultAPIURL {
		t.Fatalf("with a public URL: %v %+v", err, s.GitHub)
	}
	if err := (Credentials{AppID: 7, PrivateKey: NewSecret(key), WebhookSecret: NewSecret("s3cret")}).Store(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{appIDFile, privateKeyFile, secretFile} {
		info, err := os.Stat(filepath.Join(dir, credentialsDir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, credentialsDir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info, err)
	}
	s, err = Load(environment(env), "")
	if err != nil || s.Setup || s.GitHub.AppID != 7 || s.GitHub.WebhookSecret.Reveal() != "s3cret" || s.GitHub.PrivateKey.Reveal() != key {
		t.Errorf("after the set-up: %v %+v", err, s)
	}
	// Variables win, and half of them are a mistake.
	env[varAppID] = "9"
	if _, err := Load(environment(env), ""); err == nil || !strings.HasPrefix(err.Error(), varPrivateKey+": not set") {
		t.Errorf("half of the variables: %v", err)
	}
}

func TestSetUpThatWasShownOnceIsClosed(t *testing.T) {
	dir := t.TempDir()
	if err := CloseSetup(dir, SetupClosed{AppID: 7, At: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	_, err := Load(environment(map[string]string{varDataDir: dir, varPublicURL: "https://plimsoll.example"}), "")
	if err == nil || !strings.Contains(err.Error(), "made App 7 on 2027-01-02 and showed its credentials once") {
		t.Errorf("error %v", err)
	}
}
