package plist

import (
	"fmt"

	"github.com/leasehold/leasehold/wire"
)

// Proxy says where the site authority of a ticket is reached (wire contract
// 4.3). No signature covers it: compare GUID with the ticket's root before
// believing it.
type Proxy struct {
	Name     string // the actor's configured name
	GUID     string
	Endpoint string // complete URL
	Cert     string // PEM of its certificate, where the issuer added one; usually empty
}

const (
	proxyTypeKey     = "ProxyType"
	proxyCallbackKey = "ProxyCallback"
	proxyNameKey     = "ProxyActorName"
	proxyGUIDKey     = "ProxyActorGuid"
	proxyAuthKey     = "ProxyActorAuth"
	proxyURLKey      = "WSProxyEndPoint"

	proxyType = "soapaxis2"
)

// Text is the proxy's text, the value of ticket.authority.proxy.
func (p Proxy) Text() (string, error) {
	if p.Name == "" || p.GUID == "" {
		return "", &wire.Error{What: "a proxy needs an actor's name and guid"}
	}
	auth := map[string]string{
		ClassKey: authClass,
		"name":   p.Name,
		"guid":   p.GUID, "guid." + ClassKey: idClass,
	}
	if p.Cert != "" {
		auth["cert"] = p.Cert
	}
	token, err := Text(auth)
	if err != nil {
		return "", within(proxyAuthKey, err)
	}
	return Text(map[string]string{
		ClassKey:         proxyClass,
		proxyTypeKey:     proxyType,
		proxyCallbackKey: "false",
		proxyNameKey:     p.Name,
		proxyGUIDKey:     p.GUID, proxyGUIDKey + "." + ClassKey: idClass,
		proxyAuthKey: token,
		proxyURLKey:  p.Endpoint,
	})
}

// ParseProxy reads a proxy's text. The guid stands in it twice, once by itself
// and once in the nested token; one may be left out, but they may not differ.
func ParseProxy(text string) (Proxy, error) {
	m, err := ParseText(text, Limits{})
	if err != nil {
		return Proxy{}, err
	}
	for _, want := range [][2]string{{ClassKey, proxyClass}, {proxyTypeKey, proxyType}, {proxyCallbackKey, "false"}} {
		if got, ok := m[want[0]]; !ok {
			return Proxy{}, &wire.Error{Path: want[0], What: "missing"}
		} else if got != want[1] {
			return Proxy{}, &wire.Error{Path: want[0], What: fmt.Sprintf("is %q, want %s", wire.Clip(got), want[1])}
		}
	}
	auth, err := ParseText(m[proxyAuthKey], Limits{})
	if err != nil {
		return Proxy{}, within(proxyAuthKey, err)
	}
	p := Proxy{Name: m[proxyNameKey], GUID: m[proxyGUIDKey], Endpoint: m[proxyURLKey], Cert: auth["cert"]}
	if p.GUID == "" {
		p.GUID = auth["guid"]
	}
	switch {
	case p.Name == "":
		return Proxy{}, &wire.Error{Path: proxyNameKey, What: "missing or empty"}
	case p.GUID == "":
		return Proxy{}, &wire.Error{Path: proxyGUIDKey, What: "missing or empty"}
	case auth["guid"] != "" && auth["guid"] != p.GUID:
		return Proxy{}, &wire.Error{Path: proxyAuthKey, What: "names another guid than " + proxyGUIDKey}
	}
	return p, nil
}
