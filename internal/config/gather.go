package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxSecretFile bounds a file that holds a secret, in bytes.
const maxSecretFile = 64 << 10

// value is what a setting was given and, for messages, where.
type value struct {
	text string
	from string // "" for the variable itself
}

// values holds the settings that were given, by variable.
type values map[string]value

func (v values) or(variable, fallback string) string {
	if got, ok := v[variable]; ok {
		return got.text
	}
	return fallback
}

func (v values) required(variable, remedy string) (string, error) {
	got, ok := v[variable]
	if !ok {
		return "", fmt.Errorf("%s: not set; %s", variable, remedy)
	}
	return got.text, nil
}

// errorf starts a message with the variable and, where its value came from
// elsewhere, that place.
func (v values) errorf(variable, format string, args ...any) error {
	name := variable
	if from := v[variable].from; from != "" {
		name += " (" + from + ")"
	}
	return errors.New(name + ": " + fmt.Sprintf(format, args...))
}

// gather collects the settings from their places.
func gather(env func(string) (string, bool), configFile string) (values, error) {
	v := make(values)
	if configFile != "" {
		if err := v.readFile(configFile); err != nil {
			return nil, err
		}
	}
	for _, s := range settings() {
		direct, _ := env(s.variable)
		var file string
		if s.secret {
			file, _ = env(s.variable + "_FILE")
		}
		switch {
		case direct != "" && file != "":
			return nil, fmt.Errorf("%s: set together with %s_FILE; keep one of them", s.variable, s.variable)
		case direct != "":
			v[s.variable] = value{text: direct}
		case file != "":
			text, err := readSecret(file)
			if err != nil {
				return nil, fmt.Errorf("%s_FILE: %w", s.variable, err)
			}
			v[s.variable] = value{text: text, from: s.variable + "_FILE"}
		}
	}
	return v, nil
}

// readSecret reads a file without the line break that editors put at its end.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read (%w); give the path of a file that this user can read", cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot be read (%w); give the path of a file that this user can read", cause(err))
	case len(data) > maxSecretFile:
		return "", fmt.Errorf("%q is larger than %d KiB; give the file that holds the secret alone", path, maxSecretFile>>10)
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", fmt.Errorf("%q is empty; give the file that holds the secret", path)
	}
	return text, nil
}

// cause takes the path, which the message has already, out of a file error.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}

// readFile adds the settings of the YAML file.
func (v values) readFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("--config: cannot be read (%w)", cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return fmt.Errorf("--config: cannot be read (%w)", cause(err))
	}
	root, err := parseYAML(path, data)
	if err != nil || root == nil {
		return err
	}
	return v.readSection(path, "", root)
}

// readSection reads a mapping of the file; prefix is "" or "github." and so on.
func (v values) readSection(path, prefix string, n *yaml.Node) error {
	what := "the configuration"
	if prefix != "" {
		what = strings.TrimSuffix(prefix, ".")
	}
	pairs, err := mapping(path, what, n)
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		if err := v.readKey(path, prefix, kv); err != nil {
			return err
		}
	}
	return nil
}

func (v values) readKey(path, prefix string, kv pair) error {
	key := prefix + kv.key
	if prefix == "" && slices.Contains([]string{"github", "nats", "log"}, key) {
		if kv.value.Kind == yaml.ScalarNode && kv.value.Tag == "!!null" {
			return nil
		}
		return v.readSection(path, key+".", kv.value)
	}
	var names []string
	for _, s := range settings() {
		isFile := s.secret && key == s.key+"_file"
		if key != s.key && !isFile {
			names = append(names, s.key)
			continue
		}
		if kv.value.Kind == yaml.ScalarNode && kv.value.Tag == "!!null" {
			return nil
		}
		t, err := text(path, key, kv.value)
		if err != nil {
			return err
		}
		from := fmt.Sprintf("%s in %s:%d", key, path, kv.line)
		if _, twice := v[s.variable]; twice {
			return fmt.Errorf("%s (%s): given both as a value and as a file; keep one of them", s.variable, from)
		}
		if isFile {
			if t, err = readSecret(t); err != nil {
				return fmt.Errorf("%s_FILE (%s): %w", s.variable, from, err)
			}
		}
		if t != "" {
			v[s.variable] = value{text: t, from: from}
		}
		return nil
	}
	return errorAt(path, kv.line, "unknown key %q; %s", shorten(key), suggest(key, names))
}
