package rule

import (
	"regexp"
	"strings"
	"sync"
)

// tokenForms are the forms that issuers give to their secrets, as their
// documentation says. What has such a form is a secret under any name.
var tokenForms = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(strings.Join([]string{
		`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----`,
		// the same in base64, as kubeconfigs and Secrets carry it: PKCS#8, RSA, EC, DSA, OpenSSH, encrypted
		`LS0tLS1CRUdJTi(?:BQUklWQVRFIEtFWS0tLS0t|BSU0EgUFJJVkFURSBLRVktLS0t|BFQyBQUklWQVRFIEtFWS0tLS0t|BEU0EgUFJJVkFURSBLRVktLS0t|BPUEVOU1NIIFBSSVZBVEUgS0VZLS0t|BFTkNSWVBURUQgUFJJVkFURSBLRVktLS0t)[A-Za-z0-9+/]{40,}`,
		`\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b`,
		// code hosts and registries
		`\bgh[pousr]_[A-Za-z0-9]{36,}\b`,
		`\bgithub_pat_[A-Za-z0-9_]{50,}\b`,
		`\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|oas|agent|imt)-[A-Za-z0-9_-]{20,}`,
		`\bATATT3[A-Za-z0-9_=-]{80,}`,
		`\bATBB[A-Za-z0-9]{28,}\b`,
		`\bnpm_[A-Za-z0-9]{36}\b`,
		`\bpypi-Ag[A-Za-z0-9_-]{40,}`,
		`\brubygems_[a-f0-9]{48}\b`,
		`\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`,
		// clouds
		`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`,
		`\bAIza[A-Za-z0-9_-]{35}\b`,
		`\bGOCSPX-[A-Za-z0-9_-]{28}\b`,
		`\bya29\.[A-Za-z0-9_-]{60,}`,
		`\b(?:AccountKey|SharedAccessKey|SharedSecretValue)=[A-Za-z0-9+/]{40,}={0,2}`,
		`(?:^|[^A-Za-z0-9~_.-])[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?:$|[^A-Za-z0-9~_.-])`,
		`\bdo[opr]_v1_[a-f0-9]{64}\b`,
		`\bLTAI[A-Za-z0-9]{20}\b`,
		// platforms of development and operations
		`\bhv[sb]\.[A-Za-z0-9_-]{24,}`,
		`\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}`,
		`\bpul-[a-f0-9]{40}\b`,
		`\bdp\.(?:pt|st|sa|ct)\.[A-Za-z0-9_.-]{40,}`,
		`\bgl(?:sa|c)_[A-Za-z0-9_+/=-]{32,}`,
		`\bdapi[a-f0-9]{32}(?:-[0-9])?\b`,
		`\bNRAK-[A-Z0-9]{27}\b`,
		`\bsntry[su]_[A-Za-z0-9_=+/-]{50,}`,
		`\btskey-(?:auth|api|client)-[A-Za-z0-9]+-[A-Za-z0-9]{20,}`,
		`\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b`,
		`\blin_api_[A-Za-z0-9]{40}\b`,
		`\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}`,
		// messages, payment, models
		`\bxox[abeoprs]-[A-Za-z0-9-]{20,}`,
		`\bxapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-f0-9]{40,}`,
		`\bhooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}`,
		`\b[rs]k_live_[A-Za-z0-9]{20,}\b`,
		`\bwhsec_[A-Za-z0-9+/]{32,}`,
		`\bsq0csp-[A-Za-z0-9_-]{43}\b`,
		`\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b`,
		`\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{30,}`,
		`\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b`,
		`\bsk-ant-(?:api|admin)[0-9]{2}-[A-Za-z0-9_-]{80,}`,
		`\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}`,
		`\bhf_[A-Za-z]{34}\b`,
		// signed tokens
		`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}`,
	}, "|"))
})

// tokenAnchors are texts of which every token form has one, so that most values
// need no look at the forms.
var tokenAnchors = []string{
	"PRIVATE KEY", "LS0tLS1CRUdJTi", "AGE-SECRET", "gh", "github_pat_", "gl", "ATATT3", "ATBB", "npm_", "pypi-", "rubygems_", "dckr_", "AKIA", "ASIA", "AIza", "GOCSPX",
	"ya29.", "Key=", "SecretValue=", "Q~", "_v1_", "LTAI", "hv", "atlasv1", "pul-", "dp.", "dapi", "NRAK-", "sntry", "tskey-", "PMAK-",
	"lin_api_", "pscale_", "xox", "xapp-", "hooks.slack.com", "k_live_", "whsec_", "sq0csp-", "shp", "SG.", ":AA", "sk-", "hf_", "eyJ",
}

// hasToken reports whether a text holds a token of a known form that is not one
// of an example.
func hasToken(v string) bool {
	found := false
	for _, a := range tokenAnchors {
		if strings.Contains(v, a) {
			found = true
			break
		}
	}
	if !found {
		return false
	}
	for rest, n := v, 0; n < 100; n++ {
		at := tokenForms().FindStringIndex(rest)
		if at == nil {
			return false
		}
		if m := rest[at[0]:at[1]]; !strings.Contains(m, "EXAMPLE") && !sameCharacters(m) {
			return true
		}
		rest = rest[at[1]:]
	}
	return false
}

// sameCharacters reports whether the end of a token is one character again and
// again, as in documentation: ghp_xxxxxxxx.
func sameCharacters(m string) bool {
	tail := m[len(m)/2:]
	return !strings.Contains(m, "PRIVATE KEY") && strings.Trim(tail, tail[:1]) == ""
}

// userinfo finds the password in a URL.
var userinfo = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@"']*:([^/\s@"']+)@`)
})

// hasPasswordInURL reports whether a URL in a text has its password written out.
func hasPasswordInURL(v string) bool {
	if !strings.Contains(v, "://") || !strings.Contains(v, "@") {
		return false
	}
	for _, m := range userinfo().FindAllStringSubmatch(v, 100) {
		if !placeholder(m[1]) {
			return true
		}
	}
	return false
}

// connection finds the password in a connection string of settings that
// semicolons part, wherever in a text it stands.
var connection = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:server|data source|host|user id|uid|username|database|initial catalog)=[^"'\n]*;\s*(?:password|pwd)=([^;"'\s]{6,})`)
})

// hasPasswordInConnection reports whether a connection string in a text has its
// password written out.
func hasPasswordInConnection(v string) bool {
	if !strings.Contains(v, ";") || !strings.Contains(v, "=") {
		return false
	}
	for _, m := range connection().FindAllStringSubmatch(v, 100) {
		if looksSecretAs("password", m[1]) && !code(m[1]) {
			return true
		}
	}
	return false
}

// setting is one setting of a file or a command line.
type setting struct{ name, value string }

// Lines of settings in files: properties, .env, INI, TOML, YAML; and pairs of
// JSON and of command lines.
var (
	settingLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*(?:export\s+|-\s+)?["']?([A-Za-z_][A-Za-z0-9_.-]*)["']?\s*[:=]\s*(?:"([^"]*)"|'([^']*)'|([^\s"'#;,][^\s"';,]*))\s*[,;]?\s*(?:#.*)?$`)
	})
	settingPair = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?:^|[\s,;{&?(])(?:--?(?:D)?|"|')?([A-Za-z_][A-Za-z0-9_.-]*)["']?\s*[:=]\s*(?:"([^"]*)"|'([^']*)'|([^\s"',;&})\[{][^\s"',;&})]*))`)
	})
)

// Bounds of a text that is looked through for settings.
const (
	maxSettingText = 256 << 10 // bytes
	maxSettings    = 5_000
)

// settingsOf gives the settings in a text: those of its lines where it is a
// file, and of a single line those of its pairs.
func settingsOf(v string) []setting {
	if len(v) > maxSettingText {
		v = v[:maxSettingText]
	}
	if !strings.ContainsAny(v, "=:") {
		return nil
	}
	var out []setting
	take := func(m []string) {
		if value := m[2] + m[3] + m[4]; value != "" && len(out) < maxSettings {
			out = append(out, setting{m[1], value})
		}
	}
	if !strings.Contains(v, "\n") || strings.HasPrefix(strings.TrimSpace(v), "{") {
		for _, m := range settingPair().FindAllStringSubmatch(v, maxSettings) {
			take(m)
		}
		return out
	}
	for line := range strings.Lines(v) {
		if m := settingLine().FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			take(m)
		}
	}
	return out
}
