package tidy

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

/*
What the documents at the root, the Makefile and continuous integration tell
people to type must exist:

  - make X: a target of the Makefile
  - leasehold X, or bin/leasehold X: a command, that is the first word of a Use
    string in cmd/leasehold; and after it --flag: a string in cmd
  - `a/path`: a file or folder, when it starts with a folder of this repository
    and does not hold the word NAME, which stands for a choice

In prose only what stands between backquotes counts; in a block fenced by ```
every line does, up to a # that starts a comment.
*/

var (
	makeCall    = regexp.MustCompile(`(?:^|[;&|(]\s*|\s)make ((?:[A-Z]+=\S+ )*)([a-z][a-z0-9-]*)`)
	programCall = regexp.MustCompile(`(?:^|[\s/])leasehold ([a-z][a-z0-9-]*)([^;&|#]*)`)
	option      = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)
	quoted      = regexp.MustCompile("`([^`]+)`")
	target      = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):(?:[^=]|$)`)
)

// documents checks all of that.
func documents(r *repo) (out []finding) {
	targets := map[string]bool{}
	if m := r.files["Makefile"]; m != nil {
		for _, t := range target.FindAllStringSubmatch(m.text, -1) {
			targets[t[1]] = true
		}
	}
	commands, flags := r.commands()
	for _, c := range r.commandLines() {
		for _, m := range makeCall.FindAllStringSubmatch(c.text, -1) {
			if !targets[m[2]] {
				out = append(out, finding{c.path, c.line, "there is no make " + m[2]})
			}
		}
		for _, m := range programCall.FindAllStringSubmatch(c.text, -1) {
			if !commands[m[1]] {
				out = append(out, finding{c.path, c.line, "there is no leasehold " + m[1]})
				continue
			}
			for _, o := range option.FindAllStringSubmatch(m[2], -1) {
				if !flags[o[1]] {
					out = append(out, finding{c.path, c.line, "leasehold has no option --" + o[1]})
				}
			}
		}
		if c.quoted {
			out = append(out, r.missing(c)...)
		}
	}
	return out
}

// commandLine is text that somebody may type.
type commandLine struct {
	finding
	quoted bool // between backquotes, so it may also be a path
}

// commandLines is all of them, in the documents, the Makefile and .ci/run.
func (r *repo) commandLines() (out []commandLine) {
	for _, p := range r.paths {
		f := r.files[p]
		doc := path.Ext(p) == ".md" && !strings.Contains(p, "/")
		if !doc && p != "Makefile" && p != ".ci/run" {
			continue
		}
		fenced := false
		for i, l := range strings.Split(f.text, "\n") {
			switch {
			case !doc:
				out = append(out, commandLine{finding{p, i + 1, strings.ReplaceAll(uncomment(l), "$(MAKE)", "make")}, false})
			case strings.HasPrefix(strings.TrimSpace(l), "```"):
				fenced = !fenced
			case fenced:
				out = append(out, commandLine{finding{p, i + 1, uncomment(l)}, false})
			default:
				for _, q := range quoted.FindAllStringSubmatch(l, -1) {
					out = append(out, commandLine{finding{p, i + 1, q[1]}, true})
				}
			}
		}
	}
	return out
}

func uncomment(line string) string {
	if strings.HasPrefix(line, "#") {
		return ""
	}
	code, _, _ := strings.Cut(line, " #")
	return code
}

// commands is the first words of all Use strings of the program, and every
// string in cmd that might name an option.
func (r *repo) commands() (uses, words map[string]bool) {
	uses, words = map[string]bool{"help": true, "completion": true}, map[string]bool{"help": true, "version": true}
	for _, p := range r.packages {
		if !strings.HasPrefix(p.dir+"/", "cmd/") {
			continue
		}
		for _, f := range p.code() {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.KeyValueExpr:
					k, ok := n.Key.(*ast.Ident)
					v, lit := n.Value.(*ast.BasicLit)
					if ok && lit && k.Name == "Use" && strings.HasPrefix(p.dir, "cmd/leasehold") {
						s, _ := strconv.Unquote(v.Value)
						use, _, _ := strings.Cut(s, " ")
						uses[use] = true
					}
				case *ast.BasicLit:
					if n.Kind == token.STRING {
						s, _ := strconv.Unquote(n.Value)
						words[s] = true
					}
				}
				return true
			})
		}
	}
	return uses, words
}

var pathForm = regexp.MustCompile(`^[A-Za-z.][\w.*-]*(/[\w.*-]+)*/?$`)

// missing reports a quoted path into this repository that leads nowhere. Words
// with a slash that do not start with a folder of ours are something else.
func (r *repo) missing(c commandLine) []finding {
	p := strings.TrimSuffix(c.text, "/")
	if !pathForm.MatchString(c.text) || !strings.Contains(c.text, "/") || strings.Contains(c.text, "NAME") {
		return nil
	}
	top, _, _ := strings.Cut(p, "/")
	ours := false
	for _, q := range r.paths {
		ours = ours || strings.HasPrefix(q, top+"/")
		for ; q != ""; q = parent(q) {
			if ok, _ := path.Match(p, q); ok {
				return nil
			}
		}
	}
	if !ours || top == "bin" {
		return nil
	}
	return []finding{{c.path, c.line, "there is no " + c.text}}
}

func TestDocumentsBite(t *testing.T) {
	t.Parallel()
	base := tree{
		"Makefile":           "V := 1\ndemo: build\n\tbin/leasehold demo\nbuild:\n\tgo build\n.PHONY: x\n",
		"cmd/leasehold/m.go": "package main\nvar c = Command{Use: \"demo [name]\"}\nfunc f() { flag(\"seeds\") }\n",
		"actors/host/h.go":   "package host\n",
		".ci/run":            "make demo\n",
	}
	with := func(readme string) tree {
		out := tree{"README.md": readme}
		for k, v := range base {
			out[k] = v
		}
		return out
	}
	bites(t, documents, with("Run `make demo`, make sure of `actors/host`, `actors/*/h.go`, `actors/NAME/x.go`, `text/plain`.\n"+
		"```sh\nmake V=2 build && bin/leasehold demo x --seeds 3 # make nothing --at-all\ngo test\n```\nleasehold grows; make it so.\n"))
	bites(t, documents, with("Run `make demos` in `actors/hots`.\n```sh\n$ leasehold dome\nleasehold demo --seed 3; make tset\n```\n"),
		"README.md:1: there is no make demos",
		"README.md:1: there is no actors/hots",
		"README.md:3: there is no leasehold dome",
		"README.md:4: there is no make tset",
		"README.md:4: leasehold has no option --seed")
	delete(base, "Makefile")
	bites(t, documents, with(""), ".ci/run:1: there is no make demo")
}
