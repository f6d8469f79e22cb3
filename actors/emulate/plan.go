package emulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/policy"
	"go.yaml.in/yaml/v3"
)

// Wish is a request that somebody thinks about.
type Wish struct {
	Name    string            `yaml:"name"`    // for the answer; default "request 1" and so on
	Manager string            `yaml:"manager"` // who would ask; default the scenario's first
	Broker  string            `yaml:"broker"`  // default the manager's
	Type    string            `yaml:"type"`    // default the manager's
	Units   int               `yaml:"units"`
	Start   Length            `yaml:"start"`  // after the present; default the next cycle
	Length  Length            `yaml:"length"` // required
	Request map[string]string `yaml:"request"`
}

// maxWishes bounds a plan.
const maxWishes = 1000

// ParseWishes reads a list of wishes: a YAML file with the one key requests. Name
// is what messages call the file.
func ParseWishes(name string, data []byte) (wishes []Wish, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on a few malformed comments
			err = fmt.Errorf("not YAML: %v", p)
		}
		if err != nil {
			wishes, err = nil, fmt.Errorf("%s: %w", name, err)
		}
	}()
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", len(data), MaxBytes)
	}
	var file struct {
		Requests []Wish `yaml:"requests"`
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return nil, err
	}
	if n := len(file.Requests); n == 0 || n > maxWishes {
		return nil, fmt.Errorf("%d requests, not 1 to %d", n, maxWishes)
	}
	var bad []error
	for i := range file.Requests {
		w := &file.Requests[i]
		if w.Name == "" {
			w.Name = fmt.Sprintf("request %d", i+1)
		}
		if w.Units < 1 || w.Units > maxDemand {
			bad = append(bad, fmt.Errorf("%s: %d units, not 1 to %d", w.Name, w.Units, maxDemand))
		}
		if w.Length <= 0 {
			bad = append(bad, fmt.Errorf("%s: length is missing", w.Name))
		}
	}
	return file.Requests, errors.Join(bad...)
}

// Plan plays a scenario for a while and then says what would become of requests
// that came now: the answers of the brokers' own policies, which nothing carries
// out. Requests to one broker are planned together, in order.
func Plan(s Scenario, p Policies, after Length, wishes []Wish) ([]policy.Verdict, error) {
	s.Length = max(after, s.Cycle)
	w, err := newWorld(s, p)
	if err != nil {
		return nil, err
	}
	if err := w.play(w.result()); err != nil {
		return nil, err
	}
	asks := map[actors.ActorID][]actors.Message{}
	place := map[actors.ActorID][]int{}
	for i, wish := range wishes {
		m, err := w.ask(wish)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", wish.Name, err)
		}
		asks[m.To], place[m.To] = append(asks[m.To], m), append(place[m.To], i)
	}
	out := make([]policy.Verdict, len(wishes))
	for _, b := range w.cast {
		if machine, ok := b.machine.(*broker.Actor); ok && asks[b.id] != nil {
			for i, v := range machine.Plan(w.end, asks[b.id]) {
				out[place[b.id][i]] = v
			}
		}
	}
	return out, nil
}

// ask is a wish as a message to the broker it is for.
func (w *world) ask(wish Wish) (actors.Message, error) {
	g := w.guests[0]
	for _, o := range w.guests {
		if o.Name == wish.Manager {
			g = o
		}
	}
	if wish.Manager != "" && g.Name != wish.Manager {
		return actors.Message{}, fmt.Errorf("there is no manager %q", wish.Manager)
	}
	b := g.broker
	if wish.Broker != "" {
		b = id("broker", wish.Broker)
	}
	if w.byID[b] == nil {
		return actors.Message{}, fmt.Errorf("there is no broker %q", wish.Broker)
	}
	start := w.cycles.Start(w.end + max(actors.Cycle(wish.Start/w.Cycle), 1))
	m := actors.Message{From: actors.ActorID(g.slice.ID), To: b, Reservation: actors.ReservationID(wish.Name), Slice: g.slice,
		Type: actors.ResourceType(wish.Type), Units: wish.Units, Properties: actors.Properties(wish.Request),
		Term: actors.NewTerm(start, start+actors.Millis(int64(wish.Length)/1e6)-1)}
	if wish.Type == "" {
		m.Type = actors.ResourceType(g.Type)
	}
	return m, m.Term.Validate()
}
