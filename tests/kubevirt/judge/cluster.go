package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.uber.org/mock/gomock"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	v1 "kubevirt.io/api/core/v1"
	instancetype "kubevirt.io/api/instancetype/v1beta1"
	"kubevirt.io/client-go/kubecli"
	kubevirtfake "kubevirt.io/client-go/kubevirt/fake"

	"kubevirt.io/kubevirt/pkg/testutils"
	virtconfig "kubevirt.io/kubevirt/pkg/virt-config"
)

// Which KubeVirt object makes which configuration: making one costs more than a question.
var configurations = map[string]*virtconfig.ClusterConfig{}

func configuration(gates []string) *virtconfig.ClusterConfig {
	key := strings.Join(gates, ",")
	if configurations[key] == nil {
		developer := &v1.DeveloperConfiguration{FeatureGates: gates}
		made, _, _ := testutils.NewFakeClusterConfigUsingKVConfig(&v1.KubeVirtConfiguration{DeveloperConfiguration: developer})
		configurations[key] = made
	}
	return configurations[key]
}

// client stands for the API server: it has the given objects and nothing else.
func client(given []json.RawMessage) (kubecli.KubevirtClient, error) {
	var own, others []runtime.Object
	for _, raw := range given {
		object, err := object(raw)
		if err != nil {
			return nil, err
		}
		if _, other := object.(*appsv1.ControllerRevision); other {
			others = append(others, object)
		} else {
			own = append(own, object)
		}
	}
	kubevirt := kubevirtfake.NewSimpleClientset(own...).InstancetypeV1beta1()
	made := kubecli.NewMockKubevirtClient(gomock.NewController(reporter{}))
	asked := made.EXPECT()
	asked.VirtualMachineInstancetype(gomock.Any()).DoAndReturn(kubevirt.VirtualMachineInstancetypes).AnyTimes()
	asked.VirtualMachineClusterInstancetype().DoAndReturn(kubevirt.VirtualMachineClusterInstancetypes).AnyTimes()
	asked.VirtualMachinePreference(gomock.Any()).DoAndReturn(kubevirt.VirtualMachinePreferences).AnyTimes()
	asked.VirtualMachineClusterPreference().DoAndReturn(kubevirt.VirtualMachineClusterPreferences).AnyTimes()
	asked.AppsV1().Return(fake.NewSimpleClientset(others...).AppsV1()).AnyTimes()
	return made, nil
}

func object(raw json.RawMessage) (runtime.Object, error) {
	var typed struct{ Kind string }
	if err := json.Unmarshal(raw, &typed); err != nil {
		return nil, err
	}
	kinds := map[string]runtime.Object{
		"ControllerRevision":                &appsv1.ControllerRevision{},
		"VirtualMachineInstancetype":        &instancetype.VirtualMachineInstancetype{},
		"VirtualMachineClusterInstancetype": &instancetype.VirtualMachineClusterInstancetype{},
		"VirtualMachinePreference":          &instancetype.VirtualMachinePreference{},
		"VirtualMachineClusterPreference":   &instancetype.VirtualMachineClusterPreference{},
	}
	made, known := kinds[typed.Kind]
	if !known {
		return nil, fmt.Errorf("no kind %q among the objects", typed.Kind)
	}
	return made, json.Unmarshal(raw, made)
}

// reporter is what gomock wants of a test.
type reporter struct{}

func (reporter) Errorf(format string, arguments ...any) { panic(fmt.Sprintf(format, arguments...)) }
func (reporter) Fatalf(format string, arguments ...any) { panic(fmt.Sprintf(format, arguments...)) }
