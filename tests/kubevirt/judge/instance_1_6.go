//go:build kubevirt_1_6

package main

import (
	v1 "kubevirt.io/api/core/v1"
	instancetype "kubevirt.io/api/instancetype/v1beta1"

	"kubevirt.io/kubevirt/pkg/defaults"
	preferenceapply "kubevirt.io/kubevirt/pkg/instancetype/preference/apply"
	"kubevirt.io/kubevirt/pkg/util"
	virtconfig "kubevirt.io/kubevirt/pkg/virt-config"
)

// instanceFrom is setupVMIFromVM of virt-controller, which this version keeps to itself: the parts that a domain follows from.
func instanceFrom(machine *v1.VirtualMachine) *v1.VirtualMachineInstance {
	instance := v1.NewVMIReferenceFromNameWithNS(machine.Namespace, "")
	instance.ObjectMeta = *machine.Spec.Template.ObjectMeta.DeepCopy()
	instance.Name = machine.Name
	instance.Namespace = machine.Namespace
	instance.Spec = *machine.Spec.Template.Spec.DeepCopy()
	return instance
}

func preferAttached(preference *instancetype.VirtualMachinePreferenceSpec, spec *v1.VirtualMachineInstanceSpec) {
	preferenceapply.ApplyDevicePreferences(preference, spec)
}

// attachInput is what virt-controller adds: a disk for each volume without one, and autoAttachInputDevice.
func attachInput(instance *v1.VirtualMachineInstance) {
	util.SetDefaultVolumeDisk(&instance.Spec)
	devices := &instance.Spec.Domain.Devices
	if devices.AutoattachInputDevice != nil && *devices.AutoattachInputDevice && len(devices.Inputs) == 0 {
		devices.Inputs = []v1.Input{{Name: "default-0"}}
	}
}

func complete(instance *v1.VirtualMachineInstance, config *virtconfig.ClusterConfig) error {
	return defaults.SetDefaultVirtualMachineInstance(config, instance)
}
