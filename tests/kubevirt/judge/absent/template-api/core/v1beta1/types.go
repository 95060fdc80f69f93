// Package v1beta1 has the one type that KubeVirt's client names.
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

type VirtualMachineTemplate struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

func (template *VirtualMachineTemplate) DeepCopyObject() runtime.Object {
	made := *template
	return &made
}
