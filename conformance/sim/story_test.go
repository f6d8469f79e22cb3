package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestStories plays the scripts in testdata. What is below the line of hyphens is
// everything that happens until the chaos would end; all judges watch, and the
// calm, the last lease and oblivion follow as in every world.
//
//	federation managers=1 sites=1 brokers=1 hosts=4 [signed] [directory] [claims] [setback] [hasty]
//	ask MANAGER RESERVATION units=2 start=10 end=19.999 [broker=NAME] [renewable] [at=2]
//	    [after=RESERVATION] [gate=redeem] [joined] [required] [elastic] [deferrable] [deadline=29.999]
//	buy BROKER RESERVATION from=SELLER units=2 start=4 end=29.999 [standing] [at=0.5]
//	extend ACTOR RESERVATION end=29.999 units=1 at=12
//	modify MANAGER RESERVATION SUBCOMMAND at=12
//	close ACTOR RESERVATION at=15
//	clock ACTOR by=-1.5 at=3     sets it, to so much off the world's time
//	full ACTOR from=10 to=14     its disk refuses everything
//	fail TIMES VERB              the first actions of that verb fail
//	slow TIMES VERB SECONDS      they take that long
//	die ACTOR MOMENT TEXT        in the batch that has an event of that text, or "ticks"
//	down SECONDS                 how long the dead stay down
//	lose TIMES TEXT              the first attempts at messages of that text
//	late TIMES SECONDS TEXT      they arrive so much later, behind what is sent meanwhile
//	away SITE from=10 to=14      its directory does not answer
//	until SECONDS                when the chaos ends
//
// The directory's changes are shown only on demand.
func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(data), "----\n")
			got, _ := tell(t, text)
			if *update {
				if err := os.WriteFile(file, []byte(text+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// tell plays one script and returns what happened.
func tell(t *testing.T, text string) (string, Report) {
	s := storyteller{t: t, cfg: Plain()}
	for n, line := range strings.Split(text, "\n") {
		s.line = n + 1
		if line != "" && line[0] != '#' {
			s.command(strings.Fields(line))
		}
	}
	s.cfg.script.plan = func(w *world) {
		for _, p := range s.plans {
			p(w)
		}
	}
	told := false
	s.cfg.script.each = func(line string) {
		told = told || strings.HasSuffix(line, " calm")
		if site := strings.Contains(line, ": add ") || strings.Contains(line, ": modify ") || strings.Contains(line, ": delete "); !told && (s.directory || !site) {
			s.out.WriteString(line + "\n")
		}
	}
	r, err := Run(1, s.cfg)
	report(t, err)
	return s.out.String(), r
}

type storyteller struct {
	t         *testing.T
	cfg       Config
	plans     []func(*world)
	directory bool
	line      int
	out       strings.Builder
}

// words are the named values and flags of a command.
type words map[string]string

func (s *storyteller) words(fields []string) words {
	w := words{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		w[name] = value
	}
	return w
}

func (s *storyteller) number(w words, name string, def float64) float64 {
	if _, ok := w[name]; !ok {
		return def
	}
	v, err := strconv.ParseFloat(w[name], 64)
	if err != nil {
		s.t.Fatalf("line %d: %s: %v", s.line, name, err)
	}
	return v
}

func (s *storyteller) instant(w words, name string, def float64) actors.Millis {
	return begin + actors.Millis(s.number(w, name, def)*1000)
}

func (s *storyteller) command(f []string) {
	switch w := s.words(f[1:]); f[0] {
	case "federation":
		s.cfg.Managers, s.cfg.Sites = int(s.number(w, "managers", 1)), int(s.number(w, "sites", 1))
		s.cfg.Brokers = int(s.number(w, "brokers", 1))
		_, s.cfg.Claims = w["claims"]
		_, s.cfg.SetBack = w["setback"]
		_, s.cfg.Hasty = w["hasty"]
		s.cfg.Hosts = int(s.number(w, "hosts", 4))
		s.cfg.Exports = []int{s.cfg.Hosts}
		_, s.cfg.Signed = w["signed"]
		_, s.directory = w["directory"]
	case "ask":
		_, renewable := w["renewable"]
		s.asks(f[1], w, func(world *world) actors.Event {
			ev := actors.Request{
				Reservation: actors.ReservationID(f[2]), Slice: actors.Slice{ID: "guest", Name: "guest"}, Type: world.sites[0].kind(),
				Units: int(s.number(w, "units", 1)), Renewable: renewable,
				Term: actors.NewTerm(s.instant(w, "start", 10), s.instant(w, "end", 19.999)),
			}
			for _, name := range []string{"elastic", "deferrable"} {
				if _, wanted := w[name]; wanted {
					ev.Request = ev.Request.Merged(actors.Properties{name: "true"})
				}
			}
			if w["deadline"] != "" {
				ev.Request = ev.Request.Merged(actors.Properties{"deadline": fmt.Sprint(int64(s.instant(w, "deadline", 0)))})
			}
			if w["broker"] != "" {
				ev.Broker = s.actor(world, w["broker"]).ID
			}
			if w["after"] != "" {
				pre := actors.Predecessor{Reservation: actors.ReservationID(w["after"]), Gate: actors.Gate(w["gate"])}
				_, pre.Joined = w["joined"]
				_, pre.Required = w["required"]
				ev.After = []actors.Predecessor{pre}
				world.comesAfter(s.actor(world, f[1]), ev)
			}
			return ev
		})
	case "buy":
		if w["at"] == "" {
			w["at"] = "0.5"
		}
		s.asks(f[1], w, func(world *world) actors.Event {
			_, standing := w["standing"]
			world.buyer[actors.ReservationID(f[2])] = s.actor(world, f[1])
			return actors.Request{Reservation: actors.ReservationID(f[2]), Slice: actors.Slice{ID: "stock", Name: "stock"},
				Broker: s.actor(world, w["from"]).ID, Type: world.sites[0].kind(), Units: int(s.number(w, "units", 1)), Renewable: standing,
				Term: actors.NewTerm(s.instant(w, "start", 4), s.instant(w, "end", 29.999))}
		})
	case "modify":
		s.asks(f[1], w, func(*world) actors.Event {
			return actors.Modify{Reservation: actors.ReservationID(f[2]), Subcommand: f[3]}
		})
	case "clock":
		at, by := s.instant(w, "at", 0), actors.Millis(s.number(w, "by", 0)*1000)
		s.cfg.Skew.Most = max(s.cfg.Skew.Most, by, -by)
		s.plans = append(s.plans, func(world *world) {
			p := s.actor(world, f[1])
			world.after(at-begin, func() {
				p.clock = watch{offset: by, set: world.now}
				world.trace.add(world.now, "the clock of %s is off by %+.3f s", p.Name, float64(by)/1000)
			})
		})
	case "full":
		from, to := s.instant(w, "from", 0), s.instant(w, "to", 0)
		s.plans = append(s.plans, func(world *world) {
			world.after(from-begin, func() { s.actor(world, f[1]).full = to })
		})
	case "fail", "slow":
		d := &scriptedWork{times: int(s.number(words{"times": f[1]}, "times", 0)), fails: f[0] == "fail"}
		for v := actors.Setup; v <= actors.ModifyUnit; v++ {
			if v.String() == f[2] {
				d.verb = v
			}
		}
		if f[0] == "slow" {
			d.takes = actors.Millis(s.number(words{"takes": f[3]}, "takes", 0) * 1000)
		}
		s.cfg.script.work = append(s.cfg.script.work, d)
	case "extend":
		s.asks(f[1], w, func(*world) actors.Event {
			return actors.Extend{Reservation: actors.ReservationID(f[2]), End: s.instant(w, "end", 0), Units: int(s.number(w, "units", 0))}
		})
	case "close":
		s.asks(f[1], w, func(*world) actors.Event { return actors.Close{Reservation: actors.ReservationID(f[2])} })
	case "die":
		at, ok := momentNamed(f[2])
		if !ok {
			s.t.Fatalf("line %d: no moment %q", s.line, f[2])
		}
		s.cfg.script.deaths = append(s.cfg.script.deaths, &scriptedDeath{who: f[1], at: at, when: strings.Join(f[3:], " ")})
	case "down":
		s.cfg.script.down = actors.Millis(s.number(words{"down": f[1]}, "down", 0) * 1000)
	case "lose":
		s.cfg.script.drops = append(s.cfg.script.drops, &scriptedDrop{
			times: int(s.number(words{"times": f[1]}, "times", 0)), what: strings.Join(f[2:], " "),
		})
	case "late":
		s.cfg.script.delays = append(s.cfg.script.delays, &scriptedDelay{times: int(s.number(words{"times": f[1]}, "times", 0)),
			by: actors.Millis(s.number(words{"by": f[2]}, "by", 0) * 1000), what: strings.Join(f[3:], " ")})
	case "away":
		from, to := s.instant(w, "from", 0), s.instant(w, "to", 0)
		s.plans = append(s.plans, func(world *world) {
			world.after(from-begin, func() { s.actor(world, f[1]).hands.(*site).away = to })
		})
	case "until":
		s.cfg.Chaos = actors.Millis(s.number(words{"until": f[1]}, "until", 60) * 1000)
	default:
		s.t.Fatalf("line %d: no command %q", s.line, f[0])
	}
}

// asks arranges an operator's wish.
func (s *storyteller) asks(who string, w words, ev func(*world) actors.Event) {
	at := s.instant(w, "at", 2)
	s.plans = append(s.plans, func(world *world) {
		wish := ev(world)
		if r, ok := wish.(actors.Request); ok {
			world.latest = max(world.latest, r.Term.End)
		}
		if c, ok := wish.(actors.Close); ok {
			world.closed[string(s.actor(world, who).ID)+" "+string(c.Reservation)] = true
		}
		world.after(at-begin, func() { world.ask(s.actor(world, who), wish, nil) })
	})
}

func (s *storyteller) actor(w *world, name string) *process {
	for _, p := range w.procs {
		if p.Name == name {
			return p
		}
	}
	s.t.Fatal(fmt.Sprintf("no actor %q", name))
	return nil
}
