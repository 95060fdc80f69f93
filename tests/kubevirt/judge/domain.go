package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"

	k8sfield "k8s.io/apimachinery/pkg/util/validation/field"

	v1 "kubevirt.io/api/core/v1"

	"kubevirt.io/kubevirt/pkg/instancetype/apply"
	"kubevirt.io/kubevirt/pkg/instancetype/find"
	preferencefind "kubevirt.io/kubevirt/pkg/instancetype/preference/find"
	"kubevirt.io/kubevirt/pkg/network/vmispec"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/api"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/converter"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/converter/arch"
)

// Ports is what virt-launcher needs of a domain to reserve ports: its code for that is behind cgo, tests/kubevirt/boot.py has it.
type Ports struct {
	Hotplug     bool              `json:"hotplug"`
	Interfaces  int               `json:"interfaces"`
	Annotations map[string]string `json:"annotations"`
	InUse       int               `json:"inUse"`
	Bytes       uint64            `json:"bytes"`
}

const uid = "11111111-2222-3333-4444-555555555555"

// domain is what virt-controller and virt-launcher make of a stored VM.
func domain(asked Question) (Answer, error) {
	instance, err := instanceOf(asked)
	if err != nil {
		return Answer{}, err
	}
	var made api.Domain
	if err := converter.Convert_v1_VirtualMachineInstance_To_api_Domain(instance, &made, surroundings(instance)); err != nil {
		return Answer{}, err
	}
	api.NewDefaulter(instance.Spec.Architecture).SetObjectDefaults_Domain(&made)
	connect(&made, instance)
	inUse, err := converter.CountPCIDevices(&made.Spec)
	if err != nil {
		return Answer{}, err
	}
	text, err := xml.Marshal(&made.Spec)
	if err != nil {
		return Answer{}, err
	}
	whole, err := json.Marshal(instance)
	return Answer{XML: string(text), VMI: whole, Ports: &Ports{
		Hotplug:     reservesPorts(instance),
		Interfaces:  len(instance.Spec.Domain.Devices.Interfaces),
		Annotations: instance.Annotations,
		InUse:       inUse,
		Bytes:       made.Spec.Memory.Value,
	}}, err
}

// instanceOf is the VMI that virt-controller creates of a VM at its start, as virt-api's webhook completes it.
func instanceOf(asked Question) (*v1.VirtualMachineInstance, error) {
	var machine v1.VirtualMachine
	if err := json.Unmarshal(asked.VM, &machine); err != nil {
		return nil, err
	}
	cluster, err := client(asked.Objects)
	if err != nil {
		return nil, err
	}
	config := configuration(asked.Gates)
	instance := instanceFrom(&machine)
	instancetype, err := find.NewSpecFinder(nil, nil, nil, cluster).Find(&machine)
	if err != nil {
		return nil, err
	}
	preference, err := preferencefind.NewSpecFinder(nil, nil, nil, cluster).FindPreference(&machine)
	if err != nil {
		return nil, err
	}
	if preference != nil {
		preferAttached(preference, &instance.Spec)
	}
	attachInput(instance)
	if err := vmispec.SetDefaultNetworkInterface(config, &instance.Spec); err != nil {
		return nil, err
	}
	conflicts := apply.NewVMIApplier().ApplyToVMI(
		k8sfield.NewPath("spec"), instancetype, preference, &instance.Spec, &instance.ObjectMeta)
	if len(conflicts) > 0 {
		return nil, conflicts
	}
	instance.UID = uid
	return instance, complete(instance, config)
}

// surroundings is a node without KVM, whose volumes are all block devices.
func surroundings(instance *v1.VirtualMachineInstance) *converterContext {
	blocks := map[string]bool{}
	for _, volume := range instance.Spec.Volumes {
		blocks[volume.Name] = true
	}
	made := &converterContext{
		Architecture:       arch.NewConverter(instance.Spec.Architecture),
		VirtualMachine:     instance,
		AllowEmulation:     true,
		IsBlockPVC:         blocks,
		IsBlockDV:          blocks,
		GPUHostDevices:     passed(len(instance.Spec.Domain.Devices.GPUs), "gpu", gpuName(instance)),
		GenericHostDevices: passed(len(instance.Spec.Domain.Devices.HostDevices), "hostdevice", hostDeviceName(instance)),
	}
	onKVM(made)
	if instance.IsBootloaderEFI() {
		secure := instance.Spec.Domain.Firmware.Bootloader.EFI.SecureBoot
		made.EFIConfiguration = &efiConfiguration{
			EFICode:      "/usr/share/OVMF/OVMF_CODE.fd",
			EFIVars:      "/usr/share/OVMF/OVMF_VARS.fd",
			SecureLoader: secure == nil || *secure,
		}
	}
	return made
}

func gpuName(instance *v1.VirtualMachineInstance) func(int) string {
	return func(at int) string { return instance.Spec.Domain.Devices.GPUs[at].Name }
}

func hostDeviceName(instance *v1.VirtualMachineInstance) func(int) string {
	return func(at int) string { return instance.Spec.Domain.Devices.HostDevices[at].Name }
}

// passed are the node's devices that the launcher's device plugin found: each at some address of the host.
func passed(number int, kind string, name func(int) string) []api.HostDevice {
	var made []api.HostDevice
	for at := range number {
		made = append(made, api.HostDevice{
			Alias:   api.NewUserDefinedAlias(kind + "-" + name(at)),
			Type:    api.HostDevicePCI,
			Managed: "no",
			Source: api.HostDeviceSource{Address: &api.Address{
				Type: api.AddressPCI, Domain: "0x0000", Bus: fmt.Sprintf("0x%02x", 0x40+len(kind)), Slot: fmt.Sprintf("0x%02x", at), Function: "0x0",
			}},
		})
	}
	return made
}

// connect is what the launcher's network setup, which needs a pod, does to each network card.
func connect(made *api.Domain, instance *v1.VirtualMachineInstance) {
	addresses := map[string]string{}
	for _, card := range instance.Spec.Domain.Devices.Interfaces {
		addresses[card.Name] = card.MacAddress
	}
	for at := range made.Spec.Devices.Interfaces {
		card := &made.Spec.Devices.Interfaces[at]
		card.Type = "ethernet"
		card.Target = &api.InterfaceTarget{Device: fmt.Sprintf("tap%d", at), Managed: "no"}
		card.Rom = &api.Rom{Enabled: "no"}
		if card.Alias != nil && addresses[card.Alias.GetName()] != "" {
			card.MAC = &api.MAC{MAC: addresses[card.Alias.GetName()]}
		}
	}
}
