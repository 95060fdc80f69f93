package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime"

	instancetypes "kubevirt.io/kubevirt/pkg/instancetype/webhooks/vm"
	"kubevirt.io/kubevirt/pkg/virt-api/webhooks"
	"kubevirt.io/kubevirt/pkg/virt-api/webhooks/mutating-webhook/mutators"
	"kubevirt.io/kubevirt/pkg/virt-api/webhooks/validating-webhook/admitters"
)

// admit sends a VM through virt-api's mutating and then its validating webhook, as a create or as an update of Stored.
func admit(asked Question) (Answer, error) {
	cluster, err := client(asked.Objects)
	if err != nil {
		return Answer{}, err
	}
	config := configuration(asked.Gates)
	review := reviewOf(asked)
	said := mutators.NewVMsMutator(config, cluster).Mutate(review)
	if !said.Allowed {
		return Answer{Refused: refusal(said)}, nil
	}
	mutated := []byte(asked.VM)
	if len(said.Patch) > 0 {
		if mutated, err = patched(mutated, said.Patch); err != nil {
			return Answer{}, err
		}
	}
	review.Request.Object.Raw = mutated
	admitter := &admitters.VMsAdmitter{
		VirtClient:           cluster,
		ClusterConfig:        config,
		InstancetypeAdmitter: instancetypes.NewAdmitter(cluster),
	}
	if said = admitter.Admit(context.Background(), review); !said.Allowed {
		return Answer{Refused: refusal(said)}, nil
	}
	return Answer{VM: json.RawMessage(mutated)}, nil
}

// patched is a VM with a patch of virt-api's, which replaces parts of the object as a whole.
func patched(vm, patch []byte) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(vm, &object); err != nil {
		return nil, err
	}
	var operations []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(patch, &operations); err != nil {
		return nil, err
	}
	for _, each := range operations {
		if part := each.Path[1:]; each.Op == "replace" && !strings.Contains(part, "/") {
			object[part] = each.Value
		} else {
			return nil, fmt.Errorf("a patch that is not known here: %s %s", each.Op, each.Path)
		}
	}
	return json.Marshal(object)
}

func reviewOf(asked Question) *admissionv1.AdmissionReview {
	request := &admissionv1.AdmissionRequest{
		Operation: admissionv1.Create,
		Resource:  webhooks.VirtualMachineGroupVersionResource,
		Object:    runtime.RawExtension{Raw: asked.VM},
	}
	if len(asked.Stored) > 0 {
		request.Operation = admissionv1.Update
		request.OldObject = runtime.RawExtension{Raw: asked.Stored}
	}
	return &admissionv1.AdmissionReview{Request: request}
}

func refusal(said *admissionv1.AdmissionResponse) []string {
	if said.Result.Details == nil || len(said.Result.Details.Causes) == 0 {
		return []string{said.Result.Message}
	}
	var lines []string
	for _, cause := range said.Result.Details.Causes {
		lines = append(lines, cause.Field+": "+cause.Message)
	}
	return lines
}
