// A client and a server of XML-RPC on npm's xmlrpc: peer.js client URL | server
const xmlrpc = require('xmlrpc')

async function client(url) {
  const c = xmlrpc.createClient(url)
  const call = (method, ...params) => new Promise((resolve, reject) => {
    c.methodCall(method, params, (error, value) => (error ? reject(error) : resolve(value)))
  })
  console.log('same', (await call('test.same', await call('test.types'))) ? 1 : 0)
  await call('test.note', 'zeros', '007')
  await call('test.note', 'latin', 'caf\u00e9')
  await call('test.note', 'long', 3000000000)
  await call('test.note', 'nil', null)
  await call('test.note', 'empty', '')
  for (const m of ['fault', 'none']) {
    try {
      await call('test.' + m)
    } catch (e) {
      console.log(m, e.faultCode, e.faultString)
    }
  }
  console.log('methods', (await call('system.listMethods')).includes('test.types') ? 'True' : 'False')
}

function server() {
  const s = xmlrpc.createServer({ host: '127.0.0.1', port: 0 }, () => {
    console.log('ready http://127.0.0.1:' + s.httpServer.address().port + '/')
  })
  s.on('peer.echo', (error, params, done) => done(error, params[0]))
  s.on('peer.fault', (error, params, done) => done({ faultCode: 42, faultString: 'on purpose' }))
}

if (process.argv[2] === 'client') client(process.argv[3])
else server()
