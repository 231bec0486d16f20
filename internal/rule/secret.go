package rule

import (
	"encoding/base64"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// secretish is secretish(name, value).
func secretish(name, value ref.Val) ref.Val {
	v, ok := text(value)
	if !ok {
		return types.False
	}
	n, _ := text(name)
	return types.Bool(LooksSecret(n, v))
}

// standsIn is stands_in(value): whether a value, or what it is in base64, stands in
// for one that comes from elsewhere.
func standsIn(value ref.Val) ref.Val {
	if u, ok := value.(*types.Unknown); ok {
		return u
	}
	v, ok := text(value)
	if !ok {
		return types.False
	}
	v = strings.TrimSpace(v)
	if plain, err := base64.StdEncoding.DecodeString(v); err == nil && utf8.Valid(plain) {
		// A text of several words, or an address, is more than a stand-in.
		if s := strings.TrimSpace(string(plain)); s != "" && !strings.ContainsAny(s, " \t\r\n:/@") {
			v = s
		}
	}
	return types.Bool(v == "" || marked(v))
}

// LooksSecret reports whether value is a secret written out, or a text that has
// one in it, judged by its form and by the words of the name that it has. A
// name alone never makes a secret: the value must be one too, and no
// placeholder, reference or path.
func LooksSecret(name, value string) bool {
	v := strings.TrimSpace(value)
	if len(v) > maxSettingText {
		v = v[:maxSettingText]
	}
	if v == "" {
		return false
	}
	if hasToken(v) || hasPasswordInURL(v) || hasPasswordInConnection(v) {
		return true
	}
	if !strings.ContainsAny(v, " \t\r\n") && looksSecretAs(name, v) {
		return true
	}
	for _, s := range settingsOf(v) {
		if looksSecretAs(s.name, s.value) && !code(s.value) {
			return true
		}
	}
	return false
}

// looksSecretAs judges a value by the name that it has.
func looksSecretAs(name, v string) bool {
	if v == "" || len(v) > 512 || placeholder(v) || reference(v) {
		return false
	}
	classes := characterClasses(v)
	switch nameOf(name) {
	case namesPassword:
		return len(v) >= 6 && classes >= 2
	case namesKey:
		return len(v) >= 12 && classes >= 2 && strings.ContainsAny(v, "0123456789") && entropy(v) >= 3
	}
	return false
}

// code reports whether a setting's value in a text is an expression of a
// program rather than a value.
func code(v string) bool {
	return strings.ContainsAny(v, "()[]{}<>$|\\") || strings.Count(v, ".") > 1 && !strings.ContainsAny(v, "0123456789")
}

// nameKind is what a name leads one to expect of its value.
type nameKind int

const (
	namesOther nameKind = iota
	namesPassword
	namesKey
)

// nameOf looks for the words of a name that stand for a secret, unless its last
// word says that the value is only about one.
func nameOf(name string) nameKind {
	words := splitWords(name)
	if len(words) == 0 {
		return namesOther
	}
	switch words[len(words)-1] {
	case "file", "path", "dir", "name", "names", "ref", "arn", "id", "ids", "url", "uri", "endpoint", "host", "port",
		"enabled", "disabled", "required", "length", "size", "ttl", "expiry", "expiration", "expires", "timeout", "policy",
		"type", "kind", "algorithm", "alg", "method", "mode", "format", "version", "count", "max", "min", "rotation",
		"issuer", "audience", "provider", "store", "manager", "engine", "mount", "role", "user", "username", "alias",
		"header", "prefix", "suffix", "class", "label", "selector", "namespace", "region", "bucket", "annotation",
		"hash", "digest", "checksum", "fingerprint", "sum", "cert", "crt", "ca", "public", "pub":
		return namesOther
	}
	for i, w := range words {
		switch w {
		case "password", "passwd", "pwd", "passphrase", "pass", "pw", "pgpassword", "dbpassword", "adminpassword", "userpassword", "rootpassword":
			return namesPassword
		case "secret", "secrets", "token", "credential", "credentials", "apikey", "secretkey", "accesskey", "privatekey", "authtoken":
			return namesKey
		case "key":
			if i > 0 {
				switch words[i-1] {
				case "api", "access", "private", "encryption", "signing", "master", "shared", "account", "auth", "session", "license":
					return namesKey
				}
			}
		}
	}
	return namesOther
}

// splitWords parts a name at anything but letters and digits, and where a
// capital follows a small letter, and gives the words in small letters.
func splitWords(name string) []string {
	var words []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			words = append(words, strings.ToLower(b.String()))
			b.Reset()
		}
	}
	var last rune
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && unicode.IsLower(last):
			flush()
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		last = r
	}
	flush()
	return words
}

// marked reports whether a value says of itself that it stands in for another: a
// template, or words such as changeme.
func marked(v string) bool {
	if strings.ContainsAny(v, "<>") && strings.Contains(v, "<") && strings.Contains(v, ">") {
		return true
	}
	for _, open := range [...]string{"${", "$(", "{{", "[[", "%(", "#{"} {
		if strings.Contains(v, open) {
			return true
		}
	}
	if v[0] == '$' || len(v) > 2 && v[0] == '%' && v[len(v)-1] == '%' {
		return true
	}
	low := strings.ToLower(v)
	for _, w := range [...]string{
		"changeme", "change-me", "change_me", "changeit", "replaceme", "replace-me", "replace_me", "replace-with", "placeholder",
		"example", "dummy", "redacted", "your-", "your_", "yourpass", "insert-", "fixme", "to-be-set", "not-set", "notset",
		"xxxx", "****", "....", "----",
	} {
		if strings.Contains(low, w) && !strings.HasPrefix(v, "-----BEGIN") {
			return true
		}
	}
	return strings.Trim(low, low[:1]) == "" // one character again and again
}

// placeholder reports whether a value stands in for one that comes from
// elsewhere, or is a word that nobody has for a secret.
func placeholder(v string) bool {
	if marked(v) {
		return true
	}
	switch strings.ToLower(v) {
	case "true", "false", "yes", "no", "none", "null", "nil", "empty", "unset", "unknown", "default", "test", "password", "secret",
		"token", "admin", "root", "user", "disabled", "enabled", "optional", "required":
		return true
	}
	return false
}

// reference reports whether a value names a place where something is kept, or
// text for people, rather than being a secret.
func reference(v string) bool {
	if strings.ContainsAny(v, " \t\r\n") || v[0] == '/' || strings.HasPrefix(v, "./") || strings.HasPrefix(v, "~/") {
		return true
	}
	low := strings.ToLower(v)
	for _, p := range [...]string{
		"arn:", "vault:", "ref+", "op://", "awssm:", "ssm:", "secretsmanager:", "kms:", "sops:", "enc[", "age1", "projects/",
		"secretref:", "secret://", "file://", "env:", "var.", "local.", "data.", "module.", "/var/", "sha256:", "sha512:", "$2a$", "$2b$", "$argon2",
	} {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	return strings.Contains(v, "://") || storePath(v)
}

// storePath reports whether a value is made like the path of an entry in a
// secret store, such as prod/shop/db-password: words of small letters.
func storePath(v string) bool {
	parts := strings.Split(v, "/")
	if len(parts) < 2 {
		return false
	}
	for _, p := range parts {
		letters := 0
		for _, r := range p {
			switch {
			case r >= 'a' && r <= 'z':
				letters++
			case r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			default:
				return false
			}
		}
		if letters*2 <= len(p) || entropy(p) > 3.5 {
			return false
		}
	}
	return true
}

// characterClasses counts which of small letters, capitals, digits and other
// characters a value has.
func characterClasses(v string) int {
	var lower, upper, digit, other int
	for _, r := range v {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		case r != '-' && r != '_' && r != '.':
			other = 1 // what parts the words of a name says nothing
		}
	}
	return lower + upper + digit + other
}

// entropy is Shannon's, in bits a byte.
func entropy(v string) float64 {
	var count [256]int
	for i := range len(v) {
		count[v[i]]++
	}
	var bits float64
	for _, c := range count {
		if c > 0 {
			p := float64(c) / float64(len(v))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
