// The launcher's side of hooks: KubeVirt's own code that calls them, and the pod that its controller makes for a machine.
//
//	launcher	a Question as JSON a line on stdin, an Answer a line on stdout, until stdin ends
//
// KubeVirt looks for sockets below /var/run; whoever asks starts this program in a folder that is its root.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	v1 "kubevirt.io/api/core/v1"
	pluginv1alpha1 "kubevirt.io/api/plugin/v1alpha1"
	"kubevirt.io/client-go/log"

	"kubevirt.io/kubevirt/pkg/hooks"
	"kubevirt.io/kubevirt/pkg/hooks/v1alpha1"
	"kubevirt.io/kubevirt/pkg/hooks/v1alpha2"
	"kubevirt.io/kubevirt/pkg/hooks/v1alpha3"
	"kubevirt.io/kubevirt/pkg/network/netbinding"
	"kubevirt.io/kubevirt/pkg/testutils"
	grpcutil "kubevirt.io/kubevirt/pkg/util/net/grpc"
	"kubevirt.io/kubevirt/pkg/virt-controller/services"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/api"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/plugins"
	policies "kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/components/validatingadmissionpolicies"
)

// Question asks one of six things. `hooks`: the domain that the launcher defines after the sidecars' hooks; `shutdown`: the
// launcher ends; `callback`: what one version of the hooks' interface answers at Socket; `plugin`: the domain after
// Plugin's hooks; `pod`: what virt-controller makes of a VMI where KubeVirt has Configuration; `policies`: what KubeVirt
// installs to judge sidecars. A field that KubeVirt's types do not have is an error.
type Question struct {
	Verb          string                    `json:"verb"`
	VMI           v1.VirtualMachineInstance `json:"vmi"`
	Plugin        pluginv1alpha1.Plugin     `json:"plugin"`
	XML           string                    `json:"xml"`
	Version       string                    `json:"version"`
	Socket        string                    `json:"socket"`
	Configuration v1.KubeVirtConfiguration  `json:"configuration"`
}

// Answer has what was asked for, or an error where KubeVirt's code returned one.
type Answer struct {
	XML     string `json:"xml,omitempty"`
	Seed    string `json:"seed,omitempty"`
	Objects []any  `json:"objects,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	log.InitializeLogging("launcher")
	log.Log.SetIOWriter(io.Discard)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		said, err := answer(lines.Bytes())
		if err != nil {
			said = Answer{Error: err.Error()}
		}
		if err := answers.Encode(said); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func answer(line []byte) (Answer, error) {
	var asked Question
	strict := json.NewDecoder(bytes.NewReader(line))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&asked); err != nil {
		return Answer{}, err
	}
	switch asked.Verb {
	case "hooks":
		return hooked(asked)
	case "shutdown":
		return Answer{}, hooks.GetManager().Shutdown()
	case "callback":
		return callback(asked)
	case "plugin":
		return plugin(asked)
	case "pod":
		return pod(asked)
	case "policies":
		return Answer{Objects: []any{
			policies.NewSidecarSubPathValidatingAdmissionPolicy(), policies.NewSidecarSubPathValidatingAdmissionPolicyBinding(),
			policies.NewPluginSocketPathValidatingAdmissionPolicy(), policies.NewPluginSocketPathValidatingAdmissionPolicyBinding(),
		}}, nil
	}
	return Answer{}, fmt.Errorf("no verb %q", asked.Verb)
}

func hooked(asked Question) (Answer, error) {
	var spec api.DomainSpec
	if err := xml.Unmarshal([]byte(asked.XML), &spec); err != nil {
		return Answer{}, err
	}
	if err := hooks.GetManager().Collect(1, 20*time.Second); err != nil {
		return Answer{}, err
	}
	made, err := hooks.GetManager().OnDefineDomain(&spec, &asked.VMI)
	return Answer{XML: made}, err
}

func plugin(asked Question) (Answer, error) {
	var spec api.DomainSpec
	if err := xml.Unmarshal([]byte(asked.XML), &spec); err != nil {
		return Answer{}, err
	}
	given := []pluginv1alpha1.Plugin{asked.Plugin}
	_, made, err := plugins.ApplyDomainHooks(given, &asked.VMI, &spec, pluginv1alpha1.InvocationContextBoot)
	return Answer{XML: made}, err
}

func callback(asked Question) (Answer, error) {
	connection, err := grpcutil.DialSocketWithTimeout(asked.Socket, 1)
	if err != nil {
		return Answer{}, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	vmi, err := json.Marshal(&asked.VMI)
	if err != nil {
		return Answer{}, err
	}
	domain, seed := []byte(asked.XML), []byte(`{"userData":"x"}`)
	switch asked.Version {
	case v1alpha1.Version:
		made, err := v1alpha1.NewCallbacksClient(connection).OnDefineDomain(ctx, &v1alpha1.OnDefineDomainParams{DomainXML: domain, Vmi: vmi})
		return Answer{XML: string(made.GetDomainXML())}, err
	case v1alpha2.Version:
		client := v1alpha2.NewCallbacksClient(connection)
		made, err := client.OnDefineDomain(ctx, &v1alpha2.OnDefineDomainParams{DomainXML: domain, Vmi: vmi})
		if err != nil {
			return Answer{}, err
		}
		kept, err := client.PreCloudInitIso(ctx, &v1alpha2.PreCloudInitIsoParams{CloudInitData: seed, Vmi: vmi})
		return Answer{XML: string(made.GetDomainXML()), Seed: string(kept.GetCloudInitData())}, err
	}
	client := v1alpha3.NewCallbacksClient(connection)
	made, err := client.OnDefineDomain(ctx, &v1alpha3.OnDefineDomainParams{DomainXML: domain, Vmi: vmi})
	if err != nil {
		return Answer{}, err
	}
	kept, err := client.PreCloudInitIso(ctx, &v1alpha3.PreCloudInitIsoParams{CloudInitData: seed, Vmi: vmi})
	return Answer{XML: string(made.GetDomainXML()), Seed: string(kept.GetCloudInitData())}, err
}

// stated are the sidecars of an instance's annotation, as virt-controller takes them.
func stated(vmi *v1.VirtualMachineInstance, _ *v1.KubeVirtConfiguration) (hooks.HookSidecarList, error) {
	return hooks.UnmarshalHookSidecarList(vmi)
}

func pod(asked Question) (Answer, error) {
	config, _, _ := testutils.NewFakeClusterConfigUsingKVConfig(&asked.Configuration)
	empty := func() cache.Store { return cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{}) }
	template := services.NewTemplateService("launcher", 240, "/var/run/kubevirt", "/var/run/kubevirt-ephemeral-disks",
		"/var/run/kubevirt/container-disks", v1.HotplugDiskDir, "", empty(), nil, config, 107, "exporter", empty(), empty(),
		services.WithSidecarCreator(stated), services.WithSidecarCreator(netbinding.NetBindingPluginSidecarList))
	made, err := template.RenderLaunchManifest(&asked.VMI)
	if err != nil {
		return Answer{}, err
	}
	made.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	return Answer{Objects: []any{made}}, nil
}
