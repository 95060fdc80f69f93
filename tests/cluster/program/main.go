// The test cluster: etcd and kube-apiserver in one process, and kubectl in the same program.
//
//	cluster serve DIR PORT ETCD_PORT PEER_PORT [apiserver flags]   runs until SIGTERM, or until its parent is gone
//	cluster kubectl ...                                            is kubectl
package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const startWithin = time.Minute

func main() {
	if len(os.Args) < 2 {
		fail("usage: cluster serve DIR PORT ETCD_PORT PEER_PORT [apiserver flags] | cluster kubectl ...")
	}
	verb := os.Args[1]
	switch {
	case verb == "kubectl":
		os.Args = append([]string{"kubectl"}, os.Args[2:]...)
		command := cmd.NewDefaultKubectlCommand()
		command.SetArgs(os.Args[1:])
		if err := cli.RunNoErrOutput(command); err != nil {
			util.CheckErr(err)
		}
	case verb == "serve" && len(os.Args) >= 6:
		serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6:])
	default:
		fail("unknown verb " + verb)
	}
}

func serve(dir, port, etcdPort, peerPort string, flags []string) {
	endWithParent()
	endpoint := startEtcd(dir, etcdPort, peerPort)
	command := app.NewAPIServerCommand()
	command.SetArgs(append([]string{
		"--secure-port=" + port,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--etcd-servers=" + endpoint,
	}, flags...))
	os.Exit(cli.Run(command))
}

// A test run that is killed leaves nothing behind: the kernel ends us with the thread that started us,
// and where that came too late, so do we.
func endWithParent() {
	const prSetPdeathsig = 1
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGTERM), 0); errno != 0 {
		fail("prctl: " + errno.Error())
	}
	parent := os.Getppid()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(time.Second)
		}
		os.Exit(1)
	}()
}

func startEtcd(dir, port, peerPort string) string {
	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	client := loopback(port)
	peer := loopback(peerPort)
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = []url.URL{client}
	config.ListenPeerUrls = []url.URL{peer}
	config.AdvertisePeerUrls = []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		fail("etcd: " + err.Error())
	}
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(startWithin):
		fail("etcd did not become ready")
	}
	return client.String()
}

func loopback(port string) url.URL {
	return url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}
