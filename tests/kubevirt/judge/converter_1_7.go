//go:build kubevirt_1_6 || kubevirt_1_7

package main

import (
	v1 "kubevirt.io/api/core/v1"

	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/converter"
)

type (
	converterContext = converter.ConverterContext
	efiConfiguration = converter.EFIConfiguration
)

// onKVM: these versions know no other hypervisor.
func onKVM(*converterContext) {}

// reservesPorts: these versions reserve ports of every machine.
func reservesPorts(*v1.VirtualMachineInstance) bool { return true }
