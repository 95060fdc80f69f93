// The judge: what KubeVirt's own code makes of a kubevirt.io/v1 VirtualMachine, without a cluster and without libvirt.
//
//	judge serve     a Question as JSON a line on stdin, an Answer a line on stdout, until stdin ends
package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"

	"kubevirt.io/client-go/log"

	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/api"
)

// Question asks one of three things: `admit`, what virt-api says of a VM and stores; `domain`, what virt-launcher makes of a
// stored VM, before libvirt completes it; `restate`, what KubeVirt's own structures keep of a domain's XML.
type Question struct {
	Verb string          `json:"verb"`
	VM   json.RawMessage `json:"vm"`
	// Stored is the VM before an update; a create has none.
	Stored json.RawMessage `json:"stored"`
	// Objects are the instance types, preferences and controller revisions that the cluster has.
	Objects []json.RawMessage `json:"objects"`
	Gates   []string          `json:"gates"`
	XML     string            `json:"xml"`
}

// Answer has what was asked for; or what was refused, a line each; or an error where KubeVirt's code returned one.
type Answer struct {
	VM      json.RawMessage `json:"vm,omitempty"`
	Refused []string        `json:"refused,omitempty"`
	XML     string          `json:"xml,omitempty"`
	Ports   *Ports          `json:"ports,omitempty"`
	VMI     json.RawMessage `json:"vmi,omitempty"`
	Error   string          `json:"error,omitempty"`
}

func main() {
	log.InitializeLogging("judge")
	log.Log.SetIOWriter(io.Discard)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := answers.Encode(answer(lines.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// answer never ends the program: a panic of KubeVirt's code is the answer to that one question.
func answer(line []byte) (said Answer) {
	defer func() {
		if reason := recover(); reason != nil {
			said = Answer{Error: fmt.Sprint("panic: ", reason)}
		}
	}()
	var asked Question
	err := json.Unmarshal(line, &asked)
	if err == nil {
		switch asked.Verb {
		case "admit":
			said, err = admit(asked)
		case "domain":
			said, err = domain(asked)
		case "restate":
			said, err = restate(asked.XML)
		default:
			err = fmt.Errorf("no verb %q", asked.Verb)
		}
	}
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return said
}

func restate(given string) (Answer, error) {
	var spec api.DomainSpec
	if err := xml.Unmarshal([]byte(given), &spec); err != nil {
		return Answer{}, err
	}
	kept, err := xml.Marshal(&spec)
	return Answer{XML: string(kept)}, err
}
