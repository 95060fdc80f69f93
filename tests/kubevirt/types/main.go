// Prints the types of Go packages as JSON: of each struct its fields by their JSON names, of others what they are, and
// the texts of constants. Types of other packages have the path of their package, like `k8s.io/api/core/v1.Affinity`.
//
// Arguments: the packages, each with its folder, as `kubevirt.io/api/core/v1=/path/to/core/v1`.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"
)

// Field is one field of a struct in JSON. A field without a name is a struct whose fields are this one's own.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func main() {
	packages := map[string]map[string]any{}
	for _, argument := range os.Args[1:] {
		name, folder, _ := strings.Cut(argument, "=")
		types, err := read(folder)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		packages[name] = types
	}
	if err := json.NewEncoder(os.Stdout).Encode(packages); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// read gives the fields of each struct of a package, what each other named type is, and the annotations as constants.
func read(folder string) (map[string]any, error) {
	own := func(info fs.FileInfo) bool {
		name := info.Name()
		return !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "generated")
	}
	found := map[string]any{}
	parsed, err := parser.ParseDir(token.NewFileSet(), folder, own, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, pkg := range parsed {
		for _, file := range pkg.Files {
			add(file, found)
		}
	}
	return found, nil
}

func add(file *ast.File, found map[string]any) {
	imported := imports(file)
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.TypeSpec:
			if structure, ok := node.Type.(*ast.StructType); ok {
				found[node.Name.Name] = imported.fields(structure)
			} else {
				found[node.Name.Name] = imported.text(node.Type)
			}
		case *ast.ValueSpec:
			for number, name := range node.Names {
				if number < len(node.Values) {
					if content, ok := constant(node.Values[number]); ok {
						found["const "+name.Name] = content
					}
				}
			}
		}
		return true
	})
}

// names are the packages that a file imports, by the names that it has for them.
type names map[string]string

func imports(file *ast.File) names {
	found := names{}
	for _, each := range file.Imports {
		path, _ := strconv.Unquote(each.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if each.Name != nil {
			name = each.Name.Name
		}
		found[name] = path
	}
	return found
}

func constant(value ast.Expr) (string, bool) {
	literal, ok := value.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	content, err := strconv.Unquote(literal.Value)
	return content, err == nil
}

func (imported names) fields(structure *ast.StructType) []Field {
	found := []Field{}
	for _, field := range structure.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(field.Tag.Value)
		name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if name == "-" || (name == "" && !strings.Contains(options, "inline") && len(field.Names) > 0) {
			continue
		}
		found = append(found, Field{name, imported.text(field.Type)})
	}
	return found
}

// text is a type as it is written, without pointers: `[]Disk`, `map[string]string`.
func (imported names) text(kind ast.Expr) string {
	switch kind := kind.(type) {
	case *ast.StarExpr:
		return imported.text(kind.X)
	case *ast.ArrayType:
		return "[]" + imported.text(kind.Elt)
	case *ast.MapType:
		return "map[" + imported.text(kind.Key) + "]" + imported.text(kind.Value)
	case *ast.SelectorExpr:
		name := imported.text(kind.X)
		if path, ok := imported[name]; ok {
			name = path
		}
		return name + "." + kind.Sel.Name
	case *ast.Ident:
		return kind.Name
	}
	return "any"
}
