// Package schema writes what editors and people need to know of aweigh.yaml:
// its JSON Schema (docs/aweigh.schema.json) and the tables of keys in
// docs/aweigh.yaml.md. Both come from config.Reference, the very tables by
// which the file is read, so that they cannot say anything else.
//
// A test compares the committed files; to write them anew:
//
//	go test ./internal/config/schema -update
//
// It uses the standard library only. (github.com/invopop/jsonschema makes a
// schema of structs; there are none here, since values stay apart until a
// service is asked for, and a table knows the defaults, words and docs.)
package schema

import (
	"encoding/json"
	"strings"

	"github.com/aweigh/aweigh/internal/config"
)

// ID is where the schema is published: "# yaml-language-server: $schema=…".
const ID = "https://raw.githubusercontent.com/aweigh/aweigh/main/docs/aweigh.schema.json"

type object = map[string]any

// JSON is the schema, indented, with a final line end.
func JSON() []byte {
	sections := map[string]config.Section{}
	for _, s := range config.Reference() {
		sections[s.Name] = s
	}
	services, routes, signals := sections["services"], sections["routes"], sections["signals"]
	doc := object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         ID,
		"title":       "aweigh.yaml",
		"description": "Configuration of `aweigh watch`.",
		"type":        []string{"object", "null"},
		"properties": object{
			"watch":      section(sections["watch"]),
			"web":        section(sections["web"]),
			"defaults":   object{"$ref": "#/$defs/service", "description": "What is in force for every service of which nothing else is said."},
			"services":   object{"type": []string{"object", "null"}, "additionalProperties": object{"$ref": "#/$defs/service"}, "description": "By name or pattern (`web-*`), the most specific wins. " + services.Doc},
			"routes":     object{"type": []string{"array", "null"}, "items": section(routes), "description": routes.Doc},
			"signals":    object{"type": []string{"object", "null"}, "propertyNames": object{"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}, "additionalProperties": section(signals), "description": signals.Doc},
			"objectives": object{"type": []string{"object", "null"}, "propertyNames": object{"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}, "additionalProperties": section(sections["objectives"]), "description": sections["objectives"].Doc},
			"stages":     object{"type": []string{"object", "null"}, "propertyNames": object{"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}, "additionalProperties": section(sections["stages"]), "description": sections["stages"].Doc},
		},
		"patternProperties":    object{"^x-": object{"description": "Free for anchors."}},
		"additionalProperties": false,
		"$defs":                object{"service": section(services)},
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // strings and maps only
	}
	return append(text, '\n')
}

// section is the schema of one mapping.
func section(s config.Section) object {
	properties := object{}
	var required []object
	for _, k := range s.Keys {
		into, name := properties, k.Name
		if parent, rest, ok := strings.Cut(k.Name, "."); ok {
			if properties[parent] == nil {
				properties[parent] = mapping(object{})
			}
			into, name = properties[parent].(object)["properties"].(object), rest
		}
		into[name] = key(k)
		if k.Secret {
			into[name+"_file"] = object{"type": "string", "minLength": 1, "description": "File that holds `" + name + "`, beside aweigh.yaml if the path is relative."}
		}
		switch {
		case k.Required && k.Secret:
			required = append(required, object{"oneOf": []object{{"required": []string{name}}, {"required": []string{name + "_file"}}}})
		case k.Required:
			required = append(required, object{"required": []string{name}})
		case k.Secret:
			required = append(required, object{"not": object{"type": "object", "required": []string{name, name + "_file"}}})
		}
	}
	m := mapping(properties)
	m["description"] = s.Doc
	m["patternProperties"] = object{"^x-": object{}}
	if required != nil {
		m["allOf"] = required
	}
	for _, k := range s.Keys {
		if k.Required {
			m["type"] = "object" // nothing at all would lack it
		}
	}
	return m
}

func mapping(properties object) object {
	return object{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}
