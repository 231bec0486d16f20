package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Server holds the server's settings, all of them checked.
type Server struct {
	GitHub    GitHub
	Listen    string // host:port; the host may be empty
	PublicURL string // without a final slash; "" when not set
	DataDir   string
	NATS      NATS
	// Defaults lie under every organisation's configuration; DefaultsFile is
	// where they were read, "" for nowhere.
	Defaults     *Repository
	DefaultsFile string
	// Setup says that there are no credentials and that the public URL is known:
	// the server offers to set up the App. GitHub has its URLs alone then.
	Setup   bool
	Workers int // 1 to 256
	Log     Log
}

// Queue says where the queue is: in the data folder, or on a cluster.
type Queue struct {
	DataDir string
	NATS    NATS
}

// Queue gives the settings of the queue alone.
func (s Server) Queue() Queue { return Queue{DataDir: s.DataDir, NATS: s.NATS} }

// LoadQueue reads the settings of the queue alone, as Load does.
func LoadQueue(env func(string) (string, bool), configFile string) (Queue, error) {
	given, err := gather(env, configFile)
	if err != nil {
		return Queue{}, err
	}
	s := Server{DataDir: given.or(varDataDir, defaultDataDir)}
	if err := loadNATS(given, &s); err != nil {
		return Queue{}, err
	}
	return s.Queue(), nil
}

// GitHub holds the App's credentials and where its GitHub is. URLs have no
// final slash.
type GitHub struct {
	AppID         int64
	PrivateKey    Secret // PEM with an RSA key, PKCS#1 or PKCS#8
	WebhookSecret Secret
	URL           string
	APIURL        string
	GraphQLURL    string
	CAFile        string // PEM with roots that are trusted beside the system's; "" for none
}

// NATS names a cluster. Without a URL the queue runs inside the process.
type NATS struct {
	URL       Secret // one or more, separated by commas; may hold a password
	CredsFile string
	CAFile    string
	Replicas  int // 1, 3 or 5
}

// Log says how to log.
type Log struct {
	Level  slog.Level
	Format string // "text" or "json"
}

// setting is one row of the table of settings: what it is called in each place.
type setting struct {
	variable string
	key      string
	secret   bool // may be read from a file that <variable>_FILE or <key>_file names
}

// The variables of the server's settings.
const (
	varAppID         = "PLIMSOLL_GITHUB_APP_ID"
	varPrivateKey    = "PLIMSOLL_GITHUB_PRIVATE_KEY"
	varWebhookSecret = "PLIMSOLL_GITHUB_WEBHOOK_SECRET"
	varGitHubURL     = "PLIMSOLL_GITHUB_URL"
	varAPIURL        = "PLIMSOLL_GITHUB_API_URL"
	varGraphQLURL    = "PLIMSOLL_GITHUB_GRAPHQL_URL"
	varGitHubCA      = "PLIMSOLL_GITHUB_CA_FILE"
	varDefaults      = "PLIMSOLL_DEFAULTS_FILE"
	varListen        = "PLIMSOLL_LISTEN"
	varPublicURL     = "PLIMSOLL_PUBLIC_URL"
	varDataDir       = "PLIMSOLL_DATA_DIR"
	varNATSURL       = "PLIMSOLL_NATS_URL"
	varNATSCreds     = "PLIMSOLL_NATS_CREDS_FILE"
	varNATSCA        = "PLIMSOLL_NATS_CA_FILE"
	varNATSReplicas  = "PLIMSOLL_NATS_REPLICAS"
	varWorkers       = "PLIMSOLL_WORKERS"
	varLogLevel      = "PLIMSOLL_LOG_LEVEL"
	varLogFormat     = "PLIMSOLL_LOG_FORMAT"
)

func settings() []setting {
	return []setting{
		{varAppID, "github.app_id", false},
		{varPrivateKey, "github.private_key", true},
		{varWebhookSecret, "github.webhook_secret", true},
		{varGitHubURL, "github.url", false},
		{varAPIURL, "github.api_url", false},
		{varGraphQLURL, "github.graphql_url", false},
		{varGitHubCA, "github.ca_file", false},
		{varDefaults, "defaults_file", false},
		{varListen, "listen", false},
		{varPublicURL, "public_url", false},
		{varDataDir, "data_dir", false},
		{varNATSURL, "nats.url", false},
		{varNATSCreds, "nats.creds_file", false},
		{varNATSCA, "nats.ca_file", false},
		{varNATSReplicas, "nats.replicas", false},
		{varWorkers, "workers", false},
		{varLogLevel, "log.level", false},
		{varLogFormat, "log.format", false},
	}
}

const (
	defaultGitHubURL  = "https://github.com"
	defaultAPIURL     = "https://api.github.com"
	defaultGraphQLURL = "https://api.github.com/graphql"
	defaultDataDir    = "./data"
	maxWorkers        = 256
)

// Load reads the settings from the environment and, where configFile is not
// "", from that YAML file; a variable wins over the file, and an empty variable
// counts as not set. The error is one line that names the variable and what to
// do about it; it never holds a secret.
func Load(env func(string) (string, bool), configFile string) (Server, error) {
	given, err := gather(env, configFile)
	if err != nil {
		return Server{}, err
	}
	s := Server{Listen: given.or(varListen, ":8080"), DataDir: given.or(varDataDir, defaultDataDir)}
	for _, load := range []func(values, *Server) error{loadCredentials, loadGitHub, loadHTTP, loadDefaults, loadNATS, loadWork, loadLog} {
		if err := load(given, &s); err != nil {
			return Server{}, err
		}
	}
	return s, nil
}

func loadGitHub(v values, s *Server) error {
	if !s.Setup {
		if err := loadApp(v, s); err != nil {
			return err
		}
	}
	return loadURLs(v, s)
}

func loadApp(v values, s *Server) error {
	id, err := v.required(varAppID, "give the App's id, a number on its settings page")
	if err != nil {
		return err
	}
	if s.GitHub.AppID, err = strconv.ParseInt(id, 10, 64); err != nil || s.GitHub.AppID <= 0 {
		return v.errorf(varAppID, "not a number; give the App's id as its settings page shows it")
	}
	key, err := v.required(varPrivateKey, "give the file that GitHub let you download, for example with "+varPrivateKey+"_FILE")
	if err != nil {
		return err
	}
	key = unfold(key)
	if err := checkPrivateKey(key); err != nil {
		return v.errorf(varPrivateKey, "%s", err)
	}
	secret, err := v.required(varWebhookSecret, "give the webhook secret that the App was set up with")
	if err != nil {
		return err
	}
	s.GitHub.PrivateKey, s.GitHub.WebhookSecret = NewSecret(key), NewSecret(secret)
	return nil
}

func loadURLs(v values, s *Server) (err error) {
	if s.GitHub.URL, err = v.url(varGitHubURL, defaultGitHubURL); err != nil {
		return err
	}
	api, graphql := defaultAPIURL, defaultGraphQLURL
	if !isGitHubDotCom(s.GitHub.URL) {
		api, graphql = s.GitHub.URL+"/api/v3", s.GitHub.URL+"/api/graphql"
	}
	if s.GitHub.APIURL, err = v.url(varAPIURL, api); err != nil {
		return err
	}
	if s.GitHub.GraphQLURL, err = v.url(varGraphQLURL, graphql); err != nil {
		return err
	}
	if s.GitHub.CAFile = v.or(varGitHubCA, ""); s.GitHub.CAFile == "" {
		return nil
	}
	data, err := os.ReadFile(s.GitHub.CAFile)
	if err != nil {
		return v.errorf(varGitHubCA, "cannot be read (%s); give the path of a file that this user can read", cause(err))
	}
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		return v.errorf(varGitHubCA, "holds no certificate in PEM; give the root that signed the server's certificate")
	}
	return nil
}

// loadDefaults reads the lowest layer of every repository's configuration. A
// mistake in it ends the start: it would be everybody's.
func loadDefaults(v values, s *Server) error {
	s.DefaultsFile = v.or(varDefaults, "")
	if s.DefaultsFile == "" {
		return nil
	}
	data, err := os.ReadFile(s.DefaultsFile)
	if err != nil {
		return v.errorf(varDefaults, "cannot be read (%s); give the path of a file in the form of .plimsoll.yml", cause(err))
	}
	r, ds, err := ParseRepository(s.DefaultsFile, data, nil)
	if err != nil {
		return v.errorf(varDefaults, "%s", err)
	}
	s.Defaults = &r
	if len(ds) > 0 {
		return v.errorf(varDefaults, "%s", ds[0])
	}
	if len(s.Defaults.ExtraRules) > 0 {
		return v.errorf(varDefaults, "extra_rules are a repository's own to name; leave them out")
	}
	return nil
}

func isGitHubDotCom(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (strings.EqualFold(u.Hostname(), "github.com") || strings.EqualFold(u.Hostname(), "www.github.com"))
}

// unfold mends a PEM block that was squeezed into one line with \n for its line
// breaks, as some tools write environment files.
func unfold(key string) string {
	if !strings.Contains(key, "\n") {
		key = strings.ReplaceAll(key, `\n`, "\n")
	}
	return strings.TrimSpace(key) + "\n"
}

func checkPrivateKey(key string) error {
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return fmt.Errorf("not a PEM block; give the file that GitHub let you download, or use %s_FILE", varPrivateKey)
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return errors.New("not a private key in PKCS#1 or PKCS#8; give the file that GitHub let you download")
	}
	if _, ok := parsed.(*rsa.PrivateKey); !ok {
		return errors.New("not an RSA key; give the file that GitHub let you download")
	}
	return nil
}

func loadHTTP(v values, s *Server) error {
	_, port, err := net.SplitHostPort(s.Listen)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		return v.errorf(varListen, "not an address to listen on; give host:port, for example :8080")
	}
	s.PublicURL, err = v.url(varPublicURL, "")
	return err
}

func loadNATS(v values, s *Server) error {
	replicas := v.or(varNATSReplicas, "1")
	if replicas != "1" && replicas != "3" && replicas != "5" {
		return v.errorf(varNATSReplicas, "must be 1, 3 or 5")
	}
	s.NATS.Replicas = int(replicas[0] - '0')
	s.NATS.CredsFile, s.NATS.CAFile = v.or(varNATSCreds, ""), v.or(varNATSCA, "")
	raw := v.or(varNATSURL, "")
	if raw == "" {
		for _, name := range []string{varNATSCreds, varNATSCA, varNATSReplicas} {
			if given := v.or(name, ""); given != "" && given != "1" {
				return v.errorf(name, "set without %s; give the cluster's URL, or remove it", varNATSURL)
			}
		}
		return nil
	}
	for one := range strings.SplitSeq(raw, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || (u.Scheme != "nats" && u.Scheme != "tls") {
			return v.errorf(varNATSURL, "not a list of nats:// URLs; give nats://host:4222, several separated by commas")
		}
	}
	s.NATS.URL = NewSecret(raw)
	for _, name := range []string{varNATSCreds, varNATSCA} {
		file := v.or(name, "")
		if file == "" {
			continue
		}
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			return v.errorf(name, "no such file as %q; give the path of one that can be read", file)
		}
	}
	return nil
}

func loadWork(v values, s *Server) error {
	s.Workers = min(runtime.GOMAXPROCS(0), maxWorkers)
	raw := v.or(varWorkers, "")
	if raw == "" {
		return nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > maxWorkers {
		return v.errorf(varWorkers, "must be a whole number from 1 to %d", maxWorkers)
	}
	s.Workers = n
	return nil
}

func loadLog(v values, s *Server) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	var ok bool
	if s.Log.Level, ok = levels[v.or(varLogLevel, "info")]; !ok {
		return v.errorf(varLogLevel, "must be debug, info, warn or error")
	}
	s.Log.Format = v.or(varLogFormat, "json")
	if s.Log.Format != "text" && s.Log.Format != "json" {
		return v.errorf(varLogFormat, "must be text or json")
	}
	return nil
}

// url reads a base URL: https, or http to a loopback host; without credentials,
// query or fragment; without its final slashes.
func (v values) url(variable, fallback string) (string, error) {
	raw := v.or(variable, fallback)
	if raw == "" {
		return "", nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return "", v.errorf(variable, "not a URL; give one such as %s", defaultGitHubURL)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", v.errorf(variable, "has credentials, a query or a fragment; give scheme, host and path alone")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "", v.errorf(variable, "http is taken for loopback hosts alone; use https")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", v.errorf(variable, "not an https URL; give one such as %s", defaultGitHubURL)
	}
	return strings.TrimRight(raw, "/"), nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
