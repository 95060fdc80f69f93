// Sends creations as an API server does: by Go's own transport, which keeps its connections, at a steady rate.
//
//	sender -ca FILE -endpoints FILE -rate N /mutate=FILE /validate=FILE
//
// A creation is one request a path after the other. New connections go to an address of the endpoints' file, as a
// Service's do, which is read anew for each. It ends with its standard input and prints a line of JSON.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type post struct {
	path string
	body []byte
}

type result struct {
	Sent         int       `json:"sent"`
	Lost         []string  `json:"lost"`
	Connections  int64     `json:"connections"`
	Milliseconds []float64 `json:"milliseconds"`
}

func main() {
	ca := flag.String("ca", "", "PEM file of the CA")
	endpoints := flag.String("endpoints", "", "file of addresses, one a line")
	rate := flag.Float64("rate", 20, "creations a second")
	flag.Parse()

	var connections atomic.Int64
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool(*ca)},
		MaxIdleConnsPerHost: 25,
		IdleConnTimeout:     90 * time.Second,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			number := connections.Add(1)
			lines := strings.Fields(string(read(*endpoints)))
			if len(lines) == 0 {
				return nil, fmt.Errorf("no endpoint")
			}
			return (&net.Dialer{}).DialContext(ctx, network, lines[int(number)%len(lines)])
		},
	}}
	sent := run(client, posts(flag.Args()), time.Duration(float64(time.Second)/(*rate)))
	sent.Connections = connections.Load()
	if err := json.NewEncoder(os.Stdout).Encode(sent); err != nil {
		panic(err)
	}
}

func run(client *http.Client, all []post, every time.Duration) *result {
	sum := &result{Lost: []string{}}
	var lock sync.Mutex
	var open sync.WaitGroup
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	ticker := time.NewTicker(every)
	for {
		select {
		case <-ended:
			open.Wait()
			return sum
		case <-ticker.C:
			open.Add(1)
			go func() {
				defer open.Done()
				began := time.Now()
				problem := create(client, all)
				lock.Lock()
				defer lock.Unlock()
				sum.Sent++
				sum.Milliseconds = append(sum.Milliseconds, float64(time.Since(began).Microseconds())/1000)
				if problem != "" {
					sum.Lost = append(sum.Lost, problem)
				}
			}()
		}
	}
}

func create(client *http.Client, all []post) string {
	for _, one := range all {
		answer, err := client.Post("https://localhost"+one.path, "application/json", bytes.NewReader(one.body))
		if err != nil {
			return err.Error()
		}
		said, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return err.Error()
		}
		if answer.StatusCode != 200 || !bytes.Contains(said, []byte(`"allowed":true`)) {
			return fmt.Sprintf("%s: %d %.200s", one.path, answer.StatusCode, said)
		}
	}
	return ""
}

func posts(arguments []string) []post {
	var all []post
	for _, argument := range arguments {
		path, file, _ := strings.Cut(argument, "=")
		all = append(all, post{path, read(file)})
	}
	return all
}

func pool(file string) *x509.CertPool {
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(read(file)) {
		panic("no certificate in " + file)
	}
	return trusted
}

func read(file string) []byte {
	content, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return content
}
