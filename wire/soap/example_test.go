package soap_test

import (
	"fmt"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
)

func ExampleEncodeBody() {
	body, err := soap.EncodeBody(nil, wire.Message{
		Op: wire.OpQueryResult, MessageID: "m2", RequestID: "m1",
		Properties: []wire.Property{{Name: "pools.count", Value: "<1>"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", body)
	// Output:
	// <ns2:queryResult xmlns:ns2="http://orca/shirako/proxies/soapaxis2/services"><messageID>m2</messageID><requestID>m1</requestID><properties><property><name>pools.count</name><value>&lt;1&gt;</value></property></properties></ns2:queryResult>
}

func ExampleDecodeBody() {
	doc, err := xmltree.Parse([]byte(`
		<s:query xmlns:s="http://orca/shirako/proxies/soapaxis2/services">
			<messageID>m1</messageID>
			<properties/>
		</s:query>`), xmltree.DefaultLimits())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = soap.DecodeBody(doc.Root())
	fmt.Println(err)
	// Output:
	// wire: query: found element properties where callbackURL belongs
}
