// Pins the servers that pipelines with data talk to.
module wombat/tools/data-servers

go 1.26.0

require (
	github.com/johannesboyne/gofakes3 v1.2.0
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c
)
