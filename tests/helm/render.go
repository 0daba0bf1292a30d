// render CHART RELEASE NAMESPACE [VALUES.json]: the chart's objects and notes as JSON on stdout, by Go's text/template and
// sprig. It stands in for `helm template` where there is no helm: what Helm adds to the templates' language is written anew
// here, and nothing but that is left out. A key that is not there is an error, which Helm would pass over.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type values = map[string]interface{}

// files is .Files of a template.
type files map[string]string

func (f files) Get(name string) string { return f[name] }

func (f files) Glob(pattern string) files {
	found := files{}
	for name, content := range f {
		if matches, _ := path.Match(pattern, name); matches {
			found[name] = content
		}
	}
	return found
}

// Through JSON, as in Helm: all numbers are floats, all keys strings.
func fromYaml(text string) values {
	var found values
	var plain interface{}
	check(yaml.Unmarshal([]byte(text), &plain))
	asJSON, err := json.Marshal(plain)
	check(err)
	check(json.Unmarshal(asJSON, &found))
	return found
}

func toYaml(value interface{}) string {
	asJSON, err := json.Marshal(value)
	check(err)
	var plain interface{}
	check(yaml.Unmarshal(asJSON, &plain))
	text, err := yaml.Marshal(plain)
	check(err)
	return strings.TrimSuffix(string(text), "\n")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Values over defaults: maps are joined, null takes a default away.
func over(defaults, given values) values {
	joined := values{}
	for name, value := range defaults {
		joined[name] = value
	}
	for name, value := range given {
		own, isMap := value.(values)
		before, wasMap := joined[name].(values)
		switch {
		case value == nil:
			delete(joined, name)
		case isMap && wasMap:
			joined[name] = over(before, own)
		default:
			joined[name] = value
		}
	}
	return joined
}

func read(chart string) (templates, others files) {
	templates, others = files{}, files{}
	check(filepath.Walk(chart, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		relative, _ := filepath.Rel(chart, name)
		if strings.HasPrefix(relative, "templates/") {
			templates[relative] = string(content)
		} else {
			others[relative] = string(content)
		}
		return err
	}))
	return
}

func functions(all *template.Template) template.FuncMap {
	found := sprig.TxtFuncMap()
	delete(found, "env")
	delete(found, "expandenv")
	found["toYaml"] = toYaml
	found["fromYaml"] = fromYaml
	found["toJson"] = func(value interface{}) string {
		text, err := json.Marshal(value)
		check(err)
		return string(text)
	}
	found["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	found["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	return found
}

func documents(text string) (found []interface{}) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var document interface{}
		err := decoder.Decode(&document)
		if err != nil && err.Error() == "EOF" {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, text)
		}
		check(err)
		if document != nil {
			found = append(found, document)
		}
	}
}

func main() {
	templates, others := read(os.Args[1])
	given := values{}
	if len(os.Args) > 4 {
		check(json.Unmarshal([]byte(os.Args[4]), &given))
	}
	about := fromYaml(others["Chart.yaml"])
	data := values{
		"Values": over(fromYaml(others["values.yaml"]), given),
		"Files":  others,
		"Chart":  values{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": values{"Name": os.Args[2], "Namespace": os.Args[3], "Service": "Helm", "IsInstall": true,
			"IsUpgrade": false, "Revision": 1},
	}

	all := template.New("chart").Option("missingkey=error")
	all.Funcs(functions(all))
	for name, content := range templates {
		_, err := all.New(name).Parse(content)
		check(err)
	}
	result := values{"notes": ""}
	var objects []interface{}
	for name := range templates {
		if strings.HasSuffix(name, ".tpl") {
			continue
		}
		var out bytes.Buffer
		check(all.ExecuteTemplate(&out, name, data))
		if strings.HasSuffix(name, "NOTES.txt") {
			result["notes"] = out.String()
		} else {
			objects = append(objects, documents(out.String())...)
		}
	}
	result["objects"] = objects
	check(json.NewEncoder(os.Stdout).Encode(result))
}
