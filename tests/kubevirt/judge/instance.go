//go:build !kubevirt_1_6

package main

import (
	v1 "kubevirt.io/api/core/v1"
	instancetype "kubevirt.io/api/instancetype/v1beta1"

	preferenceapply "kubevirt.io/kubevirt/pkg/instancetype/preference/apply"
	"kubevirt.io/kubevirt/pkg/virt-api/webhooks/mutating-webhook/mutators"
	virtconfig "kubevirt.io/kubevirt/pkg/virt-config"
	"kubevirt.io/kubevirt/pkg/virt-controller/watch/vm"
)

func instanceFrom(machine *v1.VirtualMachine) *v1.VirtualMachineInstance {
	return vm.SetupVMIFromVM(machine)
}

func preferAttached(preference *instancetype.VirtualMachinePreferenceSpec, spec *v1.VirtualMachineInstanceSpec) {
	preferenceapply.ApplyAutoAttachPreferences(preference, spec)
}

func attachInput(instance *v1.VirtualMachineInstance) { vm.AutoAttachInputDevice(instance) }

func complete(instance *v1.VirtualMachineInstance, config *virtconfig.ClusterConfig) error {
	return mutators.ApplyNewVMIMutations(instance, config)
}
