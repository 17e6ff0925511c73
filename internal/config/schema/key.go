package schema

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/config"
)

// variable is what any value may be instead: a text with ${NAME} in it.
const variable = `\$\{`

// key is the schema of one key's value.
func key(k config.Key) object {
	one := value(k)
	if k.Many {
		one = object{"anyOf": []object{one, {"type": "array", "items": one}}}
	}
	one["description"] = k.Doc
	if k.Default != "" && !k.Many && !strings.Contains(k.Default, "'") {
		one["default"] = literal(k, k.Default)
	}
	if k.Example != "" {
		one["examples"] = []any{literal(k, strings.Trim(k.Example, `"`))}
	}
	return one
}

func value(k config.Key) object {
	words := append([]string{}, k.Words...)
	if len(words) > 0 && words[0] == "off" {
		words = []string{"off", "never", "0"}
	}
	switch k.Kind {
	case config.Boolean:
		return anyOf(object{"type": "boolean"}, object{"enum": []any{"yes", "no", "on", "off"}})
	case config.Integer:
		if len(words) == 0 {
			return anyOf(object{"type": "integer", "minimum": 1})
		}
		return anyOf(object{"type": "integer", "minimum": 0}, object{"enum": words}, object{"const": false})
	case config.Decimal:
		return anyOf(object{"type": "number"})
	case config.Duration:
		// Go's durations, and days.
		forms := `([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)`
		pattern := `^((` + forms + `)+|[0-9]+(\.[0-9]*)?d`
		if len(words) > 0 {
			pattern += `|` + strings.Join(words, "|")
			// Readers of YAML 1.1 make false of off.
			return object{"anyOf": []object{{"type": "string", "pattern": pattern + `)$|` + variable}, {"enum": []any{0, false}}}}
		}
		return object{"type": "string", "pattern": pattern + `)$|` + variable}
	case config.Size:
		return anyOf(object{"type": "integer", "minimum": 1 << 20}, object{"type": "string", "pattern": `^[0-9]+(\.[0-9]*)? ?([kKmMgGtT][iI]?)?[bB]?$`})
	case config.Choice:
		return anyOf(object{"enum": words})
	case config.Clock:
		return object{"type": "string", "pattern": `^([01][0-9]|2[0-3]):[0-5][0-9]$|` + variable}
	}
	return object{"type": "string"}
}

// anyOf allows a variable as well.
func anyOf(forms ...object) object {
	return object{"anyOf": append(forms, object{"type": "string", "pattern": variable})}
}

// literal is a value as JSON has it.
func literal(k config.Key, text string) any {
	switch k.Kind {
	case config.Boolean:
		return text == "true"
	case config.Integer:
		if n, err := strconv.Atoi(text); err == nil {
			return json.Number(strconv.Itoa(n))
		}
	case config.Decimal:
		return json.Number(text)
	}
	return text
}
