package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leasehold/leasehold/wssec"
)

// Editing changes a configuration that people wrote, so it touches only the
// lines of the peer in question: the YAML library says where these are, and all
// other lines stay as they are, comments and blank lines included.

// Causes for which a file is not edited.
var (
	ErrPeerExists = errors.New("there is a peer of this name or GUID already")
	ErrNoPeer     = errors.New("there is no peer of this name")
	ErrInline     = errors.New("peers are written on one line; give each a line of its own first")
)

// AddPeer adds a peer to the configuration in data, at the end of the list, and
// returns the new text. Name is what messages call the file. The result is read
// again before it is returned: whatever is wrong with it is the error, Problems,
// and nothing but the one peer is new.
func AddPeer(name string, data []byte, p Peer) ([]byte, error) {
	before, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	for _, o := range before.Peers {
		if o.Name == p.Name || o.GUID == p.GUID {
			return nil, ErrPeerExists
		}
	}
	list, err := peersNode(data)
	if err != nil {
		return nil, err
	}
	text := ensureLine(string(data))
	var w writer
	w.peer(p)
	switch {
	case list.key == nil:
		text += "\n# Actors elsewhere that ours may speak with. The key in the certificate is pinned.\npeers:\n" + w.String()
	case len(list.items) == 0:
		lines := strings.SplitAfter(text, "\n")
		at := list.key.Line - 1
		if list.value.Kind == yaml.SequenceNode { // peers: []
			line := []rune(lines[at]) // columns count characters
			open := list.value.Column - 1
			end := strings.IndexRune(string(line[min(open, len(line)):]), ']')
			if list.value.Line != list.key.Line || end < 0 {
				return nil, ErrInline
			}
			lines[at] = strings.TrimRight(string(line[:open]), " ") + string(line[open+end+1:])
		}
		lines[at] += w.String()
		text = strings.Join(lines, "")
	default:
		lines := strings.SplitAfter(text, "\n")
		last := list.items[len(list.items)-1]
		at := lastLine(last)
		entry := indented(w.String(), list.value.Column-1)
		lines[at-1] += entry
		text = strings.Join(lines, "")
	}
	return edited(name, text, before, append(before.Peers[:len(before.Peers):len(before.Peers)], p))
}

// RemovePeer takes the peer of that name out of the configuration in data, with
// the comment right above it, and returns the new text. It is checked as in
// AddPeer; a configuration that still needs the peer is an error.
func RemovePeer(name string, data []byte, peer string) ([]byte, error) {
	before, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	at := -1
	for i, p := range before.Peers {
		if p.Name == peer {
			at = i
		}
	}
	if at < 0 {
		return nil, ErrNoPeer
	}
	list, err := peersNode(data)
	if err != nil {
		return nil, err
	}
	if at >= len(list.items) {
		return nil, ErrInline
	}
	lines := strings.SplitAfter(ensureLine(string(data)), "\n")
	from, to := list.items[at].Line-1, lastLine(list.items[at])
	for from > list.key.Line && strings.HasPrefix(strings.TrimSpace(lines[from-1]), "#") && strings.Index(lines[from-1], "#") == list.value.Column-1 {
		from--
	}
	rest := append(lines[:from:from], lines[to:]...)
	if len(list.items) == 1 {
		line := strings.TrimRight(rest[list.key.Line-1], "\n")
		key, comment, _ := strings.Cut(line, "#")
		if line = strings.TrimRight(key, " ") + " []"; comment != "" {
			line += " #" + comment
		}
		rest[list.key.Line-1] = line + "\n"
	}
	var peers []Peer
	for i, p := range before.Peers {
		if i != at {
			peers = append(peers, p)
		}
	}
	return edited(name, strings.Join(rest, ""), before, peers)
}

// ReplacePeer writes the peer of p's name anew, in the lines where it stands, and
// returns the new text. It is checked as in AddPeer. Comments between those lines
// are lost, all others stay.
func ReplacePeer(name string, data []byte, p Peer) ([]byte, error) {
	before, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(before.Peers, func(o Peer) bool { return o.Name == p.Name })
	if at < 0 {
		return nil, ErrNoPeer
	}
	list, err := peersNode(data)
	if err != nil {
		return nil, err
	}
	if at >= len(list.items) {
		return nil, ErrInline
	}
	var w writer
	w.peer(p)
	lines := strings.SplitAfter(ensureLine(string(data)), "\n")
	from, to := list.items[at].Line-1, lastLine(list.items[at])
	lines = slices.Replace(lines, from, to, indented(w.String(), list.value.Column-1))
	peers := slices.Clone(before.Peers)
	peers[at] = p
	return edited(name, strings.Join(lines, ""), before, peers)
}

// edited reads a new text and requires that nothing but the peers changed.
func edited(name, text string, before Config, peers []Peer) ([]byte, error) {
	after, err := Parse(name, []byte(text))
	if err != nil {
		return nil, err
	}
	want := before
	want.Peers = peers
	if len(want.Peers) == 0 {
		want.Peers = after.Peers[:0:0]
	}
	for i := range want.Peers { // what Parse fills in
		want.Peers[i].Policy.Profile = cmp.Or(want.Peers[i].Policy.Profile, wssec.Strict)
	}
	if len(after.Peers) == 0 {
		after.Peers = want.Peers
	}
	if !reflect.DeepEqual(after, want) {
		return nil, fmt.Errorf("%s: the file is written in a way that cannot be edited by machine", name)
	}
	return []byte(text), nil
}

// peerList is where the peers of a file stand.
type peerList struct {
	key, value *yaml.Node // nil if there is no such key
	items      []*yaml.Node
}

func peersNode(data []byte) (peerList, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil && err != io.EOF {
		return peerList{}, err
	}
	var l peerList
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode || doc.Content[0].Style&yaml.FlowStyle != 0 {
		return l, ErrInline
	}
	root := doc.Content[0].Content
	for i := 0; i+1 < len(root); i += 2 {
		if root[i].Value == "peers" {
			l.key, l.value = root[i], root[i+1]
		}
	}
	if l.value == nil {
		return l, nil
	}
	if l.value.Kind == yaml.AliasNode || l.value.Anchor != "" {
		return l, ErrInline
	}
	if l.value.Kind == yaml.SequenceNode {
		if l.items = l.value.Content; len(l.items) > 0 && l.value.Style&yaml.FlowStyle != 0 {
			return l, ErrInline
		}
	}
	return l, nil
}

// lastLine is the last line of a node, from 1. Peers hold plain values only, so
// the last of them ends where it begins.
func lastLine(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, lastLine(c))
	}
	return line
}

func ensureLine(s string) string {
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

// indented moves an entry, written two columns in, to another column.
func indented(entry string, column int) string {
	var b strings.Builder
	for line := range strings.Lines(entry) {
		b.WriteString(strings.Repeat(" ", column) + strings.TrimPrefix(line, "  "))
	}
	return b.String()
}
