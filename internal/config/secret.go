package config

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that is never printed: whatever formats, logs or encodes it
// gets a placeholder. Reveal gives it to whoever needs it.
type Secret struct{ value string }

// NewSecret wraps a text.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal gives the text.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether there is a text at all.
func (s Secret) IsSet() bool { return s.value != "" }

// String gives a placeholder, or "" when nothing is set.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return redacted
}

// Format gives the placeholder for every verb, %#v and %x among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue gives the placeholder to slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText gives the placeholder to every encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
