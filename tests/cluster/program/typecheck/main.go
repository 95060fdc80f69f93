// The type check of ValidatingAdmissionPolicies that kube-controller-manager does, whose warnings it writes into their status.
//
//	typecheck SCHEMAS < POLICY
//
// SCHEMAS is a file of JSON: the OpenAPI schema of each kind, with its group, version and plural. Prints a line a warning.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	v1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

type kind struct {
	Group, Version, Kind, Plural string
	Schema                       *spec.Schema
}

type kinds map[schema.GroupVersionKind]*spec.Schema

func (known kinds) ResolveSchema(gvk schema.GroupVersionKind) (*spec.Schema, error) {
	if found, ok := known[gvk]; ok {
		return found, nil
	}
	return nil, resolver.ErrSchemaNotFound
}

func main() {
	var described []kind
	content, err := os.ReadFile(os.Args[1])
	must(err)
	must(json.Unmarshal(content, &described))
	known, mapper := kinds{}, meta.NewDefaultRESTMapper(nil)
	for _, each := range described {
		gv := schema.GroupVersion{Group: each.Group, Version: each.Version}
		known[gv.WithKind(each.Kind)] = each.Schema
		plural := gv.WithResource(each.Plural)
		mapper.AddSpecific(gv.WithKind(each.Kind), plural, plural, meta.RESTScopeNamespace)
	}
	var policy v1.ValidatingAdmissionPolicy
	must(json.NewDecoder(os.Stdin).Decode(&policy))
	checker := validating.TypeChecker{SchemaResolver: known, RestMapper: mapper}
	for _, warning := range checker.Check(&policy) {
		fmt.Printf("%s: %s\n", warning.FieldRef, warning.Warning)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
