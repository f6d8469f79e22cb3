package setup_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/conformance/setup"
)

// TestPostgres starts, stops, crashes and restarts a real PostgreSQL, and finds
// what was written before each.
func TestPostgres(t *testing.T) {
	t.Parallel()
	p := setup.StartPostgres(t)
	url := p.Database(t)
	name := url[strings.LastIndexByte(url, '/')+1 : strings.IndexByte(url, '?')]
	if err := p.Exec(name, "CREATE TABLE kept (n INT)"); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if err := p.Exec(name, "SELECT 1"); err == nil {
		t.Fatal("a stopped server answers")
	}
	p.Start()
	if err := p.Exec(name, "INSERT INTO kept VALUES (1)"); err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	p.Kill()
	p.Start()
	if err := p.Exec(name, "INSERT INTO kept VALUES (2)"); err != nil {
		t.Fatalf("after a crash: %v", err)
	}
}
