package ant

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers/script"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The file of a site becomes the script beside it, with everything told that is not in it.
func TestImport(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/build.xml")
	if err != nil {
		t.Fatal(err)
	}
	out, notes, err := Import("build.xml", data)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var b strings.Builder
	for _, n := range notes {
		kind := "differs"
		if n.Lost {
			kind = "lost"
		}
		fmt.Fprintf(&b, "%d: %s: %s\n", n.Line, kind, n.Text)
	}
	for name, got := range map[string]string{"build.yaml": string(out), "build.notes": b.String()} {
		if *update {
			if err := os.WriteFile("testdata/"+name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + name)
		if err != nil || string(want) != got {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

// What the imported script does is what Ant would have done.
func TestPlayed(t *testing.T) {
	t.Parallel()
	const text = `<project>
<property name="a" value="1"/><property name="b" value="${a}${c}"/><property name="a" value="2"/>
<target name="join" depends="first">
 <property name="x" value="one"/><property name="x" value="two"/>
 <condition property="y"><equals arg1="${x}" arg2="one"/></condition>
 <condition property="z" value="1" else="2"><isset property="nothing"/></condition>
 <exec executable="say"><arg value="${b} ${x} ${y} ${z} ${given} $HOME $$"/></exec>
 <exec executable="bad"/><exec executable="worse" failonerror="true"/><exec executable="never"/>
</target>
<target name="first"><echo message="first"/></target></project>`
	out, notes, err := Import("x.xml", []byte(text))
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	s, err := script.Parse("x", out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Begin("join", map[string]string{"given": "from outside", "c": "of the unit"})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for {
		ops, said := r.Next()
		for _, x := range said {
			lines = append(lines, x.Text)
		}
		for _, op := range ops {
			lines = append(lines, op.Cmd.String())
			o := script.Outcome{}
			if a := op.Cmd.Args[0]; a == "bad" || a == "worse" {
				o.Code = 3
			}
			r.Done(op.ID, o)
		}
		if res, over := r.Over(); over {
			if res.Code != 3 {
				t.Errorf("%+v", res)
			}
			break
		}
	}
	if got, want := strings.Join(lines, "|"), `first|say "1of the unit one true 2 from outside $HOME $"|bad|worse`; got != want {
		t.Errorf("%s\nwant %s\n%s", got, want, out)
	}
}

func TestNone(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "no Ant build file", "<a/>": "no Ant build file", "<project>": "line 1", "<project><a": "line 1",
		"<!DOCTYPE a><project/>": "document type", `<?xml version="1.0" encoding="EBCDIC"?><project/>`: "encoding",
		"<project>" + strings.Repeat("<a>", 70): "within one another", strings.Repeat(" ", maxBytes+1): "limit",
	} {
		if _, _, err := Import("x", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v, want %q", text, err, says)
		}
	}
	if out, notes, err := Import("x", []byte("<project/>")); err != nil || len(notes) > 0 || !strings.Contains(string(out), "setup: []") {
		t.Error(err, notes, string(out))
	}
}

// Whatever a build file says, what becomes of it is a script.
func FuzzImport(f *testing.F) {
	if data, err := os.ReadFile("testdata/build.xml"); err == nil {
		f.Add(string(data))
	}
	f.Add(`<project><property name="a" value="${b} $x ${c d}"/><target name="join"><if><isset property="a"/><then/></if><exec executable="a"><arg line="b 'c'"/></exec></target></project>`)
	f.Fuzz(func(t *testing.T, text string) {
		out, _, err := Import("x", []byte(text))
		if err != nil && strings.Contains(err.Error(), "one of ours") && !strings.Contains(err.Error(), "more than") && !strings.Contains(err.Error(), "longer than") &&
			!strings.Contains(err.Error(), "never done") && !strings.Contains(err.Error(), "nested deeper") {
			t.Errorf("%v\n%s\n%s", err, text, out)
		}
	})
}
