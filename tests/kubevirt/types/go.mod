module vmconfig/tests/kubevirt/types

go 1.24
