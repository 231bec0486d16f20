package githubsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// AddUser makes a user, or gives the one that there is.
func (s *Server) AddUser(login string) *Account { return s.addAccount(login, "User") }

// AddOrganization makes an organisation, or gives the account that there is.
func (s *Server) AddOrganization(login string) *Account { return s.addAccount(login, "Organization") }

func (s *Server) addAccount(login, kind string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account(login, kind)
}

// account gives the account of a login and makes it where there is none.
// s.mu is held.
func (s *Server) account(login, kind string) *Account {
	key := strings.ToLower(login)
	if a := s.accounts[key]; a != nil {
		return a
	}
	a := &Account{ID: s.id(), Login: login, Type: kind}
	s.accounts[key] = a
	return a
}

// AppOptions describes an App.
type AppOptions struct {
	// ID is the App's id; 0 takes the next.
	ID          int64
	Slug, Name  string // "" is plimsoll, Plimsoll
	Owner       string // login of the owner; "" is an organisation of the slug's name
	Key         *rsa.PrivateKey
	Permissions map[string]string // nil is DefaultPermissions
	Events      []string          // nil is DefaultEvents
	// WebhookURL gets the deliveries; "" delivers nothing (see SetWebhook).
	WebhookURL, WebhookSecret string
}

// DefaultPermissions are the least that a reviewing App needs.
func DefaultPermissions() map[string]string {
	return map[string]string{
		"metadata": "read", "contents": "read", "checks": "write",
		"pull_requests": "write", "issues": "read", "members": "read", "merge_queues": "read",
	}
}

// DefaultEvents are the events that a reviewing App subscribes to. check_run
// and check_suite come with the permission checks.
func DefaultEvents() []string {
	return []string{"check_run", "check_suite", "issue_comment", "merge_group", "pull_request", "pull_request_review_comment", "push"}
}

// AddApp makes an App. Without a key it generates one of 2048 bits.
func (s *Server) AddApp(o AppOptions) (*App, error) {
	if o.Slug == "" {
		o.Slug, o.Name = "plimsoll", "Plimsoll"
	}
	if o.Name == "" {
		o.Name = o.Slug
	}
	if o.Owner == "" {
		o.Owner = o.Slug + "-makers"
	}
	if o.Key == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, fmt.Errorf("githubsim: generate key: %w", err)
		}
		o.Key = key
	}
	if o.Permissions == nil {
		o.Permissions = DefaultPermissions()
	}
	if o.Events == nil {
		o.Events = DefaultEvents()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.ID == 0 {
		o.ID = s.id()
	}
	if s.apps[o.ID] != nil {
		return nil, fmt.Errorf("githubsim: App %d exists", o.ID)
	}
	a := &App{
		ID: o.ID, Slug: o.Slug, Name: o.Name,
		Owner: s.account(o.Owner, "Organization"), Bot: s.account(o.Slug+"[bot]", "Bot"),
		Key: o.Key, WebhookURL: o.WebhookURL, WebhookSecret: o.WebhookSecret,
		Permissions: maps.Clone(o.Permissions), Events: slices.Clone(o.Events),
		hookID: s.id(), created: s.now(),
	}
	s.apps[a.ID] = a
	return a, nil
}

// KeyPEM gives the App's private key as GitHub lets it be downloaded.
func (a *App) KeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(a.Key)})
}

// SetWebhook says where an App's deliveries go from now on.
func (s *Server) SetWebhook(appID int64, url, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[appID]
	if a == nil {
		return fmt.Errorf("githubsim: no App %d", appID)
	}
	a.WebhookURL, a.WebhookSecret = url, secret
	return nil
}

// InstallOptions describes an installation.
type InstallOptions struct {
	// Repositories are the names that the installation is limited to; nil is
	// all of the account's, also those made later.
	Repositories []string
	// Permissions are those that the account accepted; nil is the App's.
	Permissions map[string]string
	// Sender is the login of who installs it; "" is the account.
	Sender string
}

// Install installs an App on an account, delivers the installation event, and
// gives the installation's id.
func (s *Server) Install(appID int64, account string, o InstallOptions) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.apps[appID]
	if app == nil {
		return 0, fmt.Errorf("githubsim: no App %d", appID)
	}
	acc := s.accounts[strings.ToLower(account)]
	if acc == nil {
		return 0, fmt.Errorf("githubsim: no account %s", account)
	}
	in := &installation{id: s.id(), app: app, account: acc, permissions: maps.Clone(o.Permissions), created: s.now()}
	if o.Permissions == nil {
		in.permissions = maps.Clone(app.Permissions)
	}
	if o.Repositories != nil {
		in.selected = map[int64]bool{}
		for _, name := range o.Repositories {
			r := s.repos[strings.ToLower(acc.Login+"/"+name)]
			if r == nil {
				return 0, fmt.Errorf("githubsim: no repository %s/%s", acc.Login, name)
			}
			in.selected[r.id] = true
		}
	}
	s.installations[in.id] = in
	s.touch()
	sender := acc
	if o.Sender != "" {
		sender = s.account(o.Sender, "User")
	}
	s.deliverInstallation(in, "created", sender)
	return in.id, nil
}

// Uninstall takes an installation away; its tokens stop working.
func (s *Server) Uninstall(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.installations[id]
	if in == nil {
		return fmt.Errorf("githubsim: no installation %d", id)
	}
	s.deliverInstallation(in, "deleted", in.account)
	delete(s.installations, id)
	maps.DeleteFunc(s.tokens, func(_ string, t *token) bool { return t.installation == in })
	s.touch()
	return nil
}

// covers says whether the installation includes a repository.
func (in *installation) covers(r *repository) bool {
	if in.account != r.owner {
		return false
	}
	return in.selected == nil || in.selected[r.id]
}

// covers says whether the token reaches a repository beyond what is public.
func (t *token) covers(r *repository) bool {
	return t.installation.covers(r) && (t.repositories == nil || t.repositories[r.id])
}

// repositoriesOf gives the repositories of an installation, sorted by id.
// s.mu is held.
func (s *Server) repositoriesOf(in *installation) []*repository {
	var out []*repository
	for _, r := range s.repos {
		if in.covers(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *repository) int { return int(a.id - b.id) })
	return out
}

// installationsOn gives the installations that include a repository, by id.
// s.mu is held.
func (s *Server) installationsOn(r *repository) []*installation {
	var out []*installation
	for _, in := range s.installations {
		if in.covers(r) {
			out = append(out, in)
		}
	}
	slices.SortFunc(out, func(a, b *installation) int { return int(a.id - b.id) })
	return out
}

// SetPermission gives a person a permission (admin, maintain, write, triage,
// read, none) in a repository.
func (s *Server) SetPermission(fullName, login, permission string) error {
	if !slices.Contains([]string{"admin", "maintain", "write", "triage", "read", "none"}, permission) {
		return fmt.Errorf("githubsim: unknown permission %q", permission)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.repo(fullName)
	if err != nil {
		return err
	}
	s.account(login, "User")
	r.permissions[strings.ToLower(login)] = permission
	return nil
}

// permissionOf gives what a person may do in a repository. s.mu is held.
func (r *repository) permissionOf(a *Account) string {
	if a == r.owner {
		return "admin"
	}
	if p := r.permissions[strings.ToLower(a.Login)]; p != "" {
		return p
	}
	if r.private {
		return "none"
	}
	return "read"
}

// association is the author_association of a person in a repository.
func (r *repository) association(a *Account) string {
	switch {
	case a.Type == "Bot":
		return "NONE"
	case a == r.owner:
		return "OWNER"
	}
	switch r.permissions[strings.ToLower(a.Login)] {
	case "admin", "maintain", "write":
		return "MEMBER"
	case "triage", "read":
		return "COLLABORATOR"
	}
	return "CONTRIBUTOR"
}

func (s *Server) repo(fullName string) (*repository, error) {
	r := s.repos[strings.ToLower(fullName)]
	if r == nil {
		return nil, fmt.Errorf("githubsim: no repository %s", fullName)
	}
	return r, nil
}
