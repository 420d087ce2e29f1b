// Runs what pipelines talk to where Debian has no package for it: an S3 server and a Kafka broker, both in memory, on
// free ports of the loopback interface. Prints their addresses as a line of JSON, and ends with its standard input.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		log.Fatal(err)
	}
	defer kafka.Close()

	objects := s3mem.New()
	if err := objects.CreateBucket("wombat"); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		log.Fatal(http.Serve(listener, gofakes3.New(objects).Server()))
	}()

	addresses := map[string]string{
		"KAFKA": kafka.ListenAddrs()[0],
		"S3":    "http://" + listener.Addr().String(),
	}
	if err := json.NewEncoder(os.Stdout).Encode(addresses); err != nil {
		log.Fatal(err)
	}
	io.Copy(io.Discard, os.Stdin)
}
