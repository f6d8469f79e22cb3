<?php
// A client of XML-RPC on PHP's extension, which is a codec and no more, and the part of a
// server that answers one request: peer.php client URL; php -S ADDRESS peer.php
$plain = ['encoding' => 'UTF-8', 'escaping' => 'markup'];

if (PHP_SAPI === 'cli-server') {
    $method = '';
    $params = xmlrpc_decode_request(file_get_contents('php://input'), $method, 'UTF-8');
    header('Content-Type: text/xml');
    if ($method === 'peer.echo') {
        echo xmlrpc_encode_request(null, $params[0], $plain);
    } else {
        $code = $method === 'peer.fault' ? 42 : -32601;
        echo xmlrpc_encode_request(null, ['faultCode' => $code, 'faultString' => 'on purpose'], $plain);
    }
    return;
}

function call($url, $method, $params, $options) {
    $http = ['method' => 'POST', 'header' => "Content-Type: text/xml\r\n", 'content' => xmlrpc_encode_request($method, $params, $options)];
    return xmlrpc_decode(file_get_contents($url, false, stream_context_create(['http' => $http])), 'UTF-8');
}

$url = $argv[2];
$types = call($url, 'test.types', [], $plain);
printf("same %d\n", call($url, 'test.same', [$types], $plain));
call($url, 'test.note', ['zeros', '007'], $plain);
call($url, 'test.note', ['latin', "caf\u{e9}"], []);
call($url, 'test.note', ['long', 3000000000], $plain);
call($url, 'test.note', ['nil', null], $plain);
foreach (['fault', 'none'] as $m) {
    $r = call($url, "test.$m", [], $plain);
    if (is_array($r) && xmlrpc_is_fault($r)) {
        printf("%s %d %s\n", $m, $r['faultCode'], $r['faultString']);
    }
}
printf("methods %s\n", in_array('test.types', call($url, 'system.listMethods', [], $plain)) ? 'True' : 'False');
