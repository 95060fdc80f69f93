//go:build kubevirt_1_8

package main

import (
	v1 "kubevirt.io/api/core/v1"

	"kubevirt.io/kubevirt/pkg/defaults"
)

func reservesPorts(instance *v1.VirtualMachineInstance) bool {
	return defaults.SupportsPCIeHotplug(instance.Spec.Architecture)
}
