//go:build !kubevirt_1_6 && !kubevirt_1_7

package main

import (
	v1 "kubevirt.io/api/core/v1"

	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/converter/types"
)

type (
	converterContext = types.ConverterContext
	efiConfiguration = types.EFIConfiguration
)

func onKVM(made *converterContext) { made.HypervisorName = v1.KvmHypervisorName }
