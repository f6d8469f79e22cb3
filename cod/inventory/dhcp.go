package inventory

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// DHCP reads the host declarations of a dhcpd.conf (dhcpd.conf(5)), wherever they
// stand: by themselves, in groups, subnets or shared networks. Of each it takes name,
// hardware address and fixed address; what else a declaration says is what the site
// decides now, and is noted. The rest of the file is not about machines and is passed
// over, but for files that it includes, which are noted.
func DHCP(text string) (Reading, error) {
	r, err := start(text)
	if err != nil {
		return Reading{}, err
	}
	p := dhcpParser{lexer: lexer{text: text, line: 1}, Reading: r}
	if err := p.block(0); err != nil {
		return Reading{}, err
	}
	return r.done(), nil
}

// lexer takes dhcpd.conf apart into words, strings and the three signs.
type lexer struct {
	text string
	at   int
	line int
}

// token is one of them; kind is 'w' for a word, '"' for a string, the sign itself, or 0
// at the end.
type token struct {
	kind byte
	text string
	line int
}

func (l *lexer) next() (token, error) {
	for l.at < len(l.text) {
		switch c := l.text[l.at]; {
		case c == '\n':
			l.line++
			l.at++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			l.at++
		case c == '#':
			for l.at < len(l.text) && l.text[l.at] != '\n' {
				l.at++
			}
		case c == '{' || c == '}' || c == ';':
			l.at++
			return token{c, string(c), l.line}, nil
		case c == '"':
			return l.quoted()
		default:
			return l.word()
		}
	}
	return token{line: l.line}, nil
}

func (l *lexer) quoted() (token, error) {
	begin, line := l.at+1, l.line
	for i := begin; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			i++
		case '"':
			l.at = i + 1
			if i-begin > maxWord {
				return token{}, fmt.Errorf("inventory: line %d: a string of more than %d octets", line, maxWord)
			}
			return token{'"', l.text[begin:i], line}, nil
		case '\n':
			return token{}, fmt.Errorf("inventory: line %d: a string without end", line)
		}
	}
	return token{}, fmt.Errorf("inventory: line %d: a string without end", line)
}

func (l *lexer) word() (token, error) {
	begin := l.at
	for l.at < len(l.text) && !strings.ContainsRune(" \t\r\f\n{};\"#", rune(l.text[l.at])) {
		l.at++
	}
	if l.at-begin > maxWord {
		return token{}, fmt.Errorf("inventory: line %d: a word of more than %d octets", l.line, maxWord)
	}
	return token{'w', l.text[begin:l.at], l.line}, nil
}

type dhcpParser struct {
	lexer
	*Reading
}

// statement reads the words up to a sign, which it returns too.
func (p *dhcpParser) statement() (words []token, end token, err error) {
	for {
		t, err := p.next()
		if err != nil {
			return nil, t, err
		}
		if t.kind != 'w' && t.kind != '"' {
			return words, t, nil
		}
		if len(words) == maxWords {
			return nil, t, fmt.Errorf("inventory: line %d: a statement of more than %d words", t.line, maxWords)
		}
		words = append(words, t)
	}
}

// block reads statements up to the end of the text, or of the block that was begun.
func (p *dhcpParser) block(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("inventory: line %d: blocks more than %d deep", p.line, maxDepth)
	}
	for {
		words, end, err := p.statement()
		if err != nil {
			return err
		}
		first := ""
		if len(words) > 0 {
			first = strings.ToLower(words[0].text)
		}
		switch end.kind {
		case 0:
			if len(words) > 0 {
				p.note(words[0].line, "a statement without end")
			}
			if depth > 0 {
				return fmt.Errorf("inventory: line %d: a block without end", end.line)
			}
			return nil
		case '}':
			if len(words) > 0 {
				p.note(words[0].line, "a statement without end")
			}
			if depth == 0 {
				return fmt.Errorf("inventory: line %d: a } that closes nothing", end.line)
			}
			return nil
		case ';':
			if first == "include" {
				p.note(words[0].line, "the included file is not read; give it by itself")
			}
		case '{':
			if first == "host" {
				err = p.host(words, end.line)
			} else {
				err = p.block(depth + 1)
			}
			if err != nil {
				return err
			}
		}
	}
}

// host reads one declaration, behind its brace.
func (p *dhcpParser) host(words []token, line int) error {
	line = words[0].line
	said := ""
	if len(words) == 2 {
		said = words[1].text
	}
	h := ldapschema.InventoryHost{}
	var usable bool
	h.Name, h.Aliases, usable = Name(said)
	wrong := ""
	if !usable {
		wrong = fmt.Sprintf("host %.64q: not a host name; not taken", said)
	}
	for {
		words, end, err := p.statement()
		if err != nil {
			return err
		}
		switch {
		case end.kind == 0:
			return fmt.Errorf("inventory: line %d: a host declaration without end", line)
		case end.kind == '{':
			p.note(end.line, "host %.64s: conditions and blocks are not taken over", said)
			if err := p.block(1); err != nil {
				return err
			}
			continue
		case len(words) > 0 && end.kind == ';':
			if why := p.fact(&h, said, words); why != "" && wrong == "" {
				wrong = why
			}
		case len(words) > 0:
			p.note(words[0].line, "host %.64s: a statement without end", said)
		}
		if end.kind == '}' {
			break
		}
	}
	if wrong != "" {
		p.note(line, "%s", wrong)
		return nil
	}
	if h.MAC.IsZero() {
		p.note(line, "host %s: no hardware address: it can be leased, but not booted over the network", said)
	}
	return p.add(line, h)
}

// fact takes in one statement of a host. It returns why the host cannot be taken.
func (p *dhcpParser) fact(h *ldapschema.InventoryHost, said string, words []token) (wrong string) {
	line := words[0].line
	args := make([]string, 0, len(words))
	for _, w := range words {
		args = append(args, w.text)
	}
	switch strings.ToLower(args[0]) {
	case "hardware":
		if len(args) != 3 || !strings.EqualFold(args[1], "ethernet") {
			p.note(line, "host %.64s: only Ethernet addresses are taken", said)
			return ""
		}
		mac, err := Hardware(args[2])
		if err != nil {
			return fmt.Sprintf("host %.64s: %.32q is no hardware address; not taken", said, args[2])
		}
		h.MAC = mac
	case "fixed-address":
		list := strings.FieldsFunc(strings.Join(args[1:], " "), func(r rune) bool { return r == ',' || r == ' ' })
		for i, v := range list {
			a, err := netip.ParseAddr(v)
			switch {
			case err != nil || !machineAddr(a):
				p.note(line, "host %.64s: fixed-address %.64q is no address of a machine; left out", said, v)
			case i > 0 && h.IP.IsValid():
				p.note(line, "host %.64s: a second address, %s; left out", said, a)
			default:
				h.IP = a
			}
		}
	default:
		p.note(line, "host %.64s: %.64s is not taken over: the site decides it now", said, strings.Join(args[:min(len(args), 2)], " "))
	}
	return ""
}
