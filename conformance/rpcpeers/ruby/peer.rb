# A client and a server of XML-RPC on Ruby's library: peer.rb client URL | server
require 'xmlrpc/client'
require 'xmlrpc/server'
require 'webrick'
$stdout.sync = true

# Octets arrive as strings, which would clash with others on their way back.
def octets(v)
  case v
  when String then v.encoding == Encoding::ASCII_8BIT ? XMLRPC::Base64.new(v) : v
  when Array then v.map { |x| octets(x) }
  when Hash then v.transform_values { |x| octets(x) }
  else v
  end
end

if ARGV[0] == 'client'
  c = XMLRPC::Client.new2(ARGV[1])
  puts "same #{c.call('test.same', octets(c.call('test.types'))) ? 1 : 0}"
  c.call('test.note', 'zeros', '007')
  c.call('test.note', 'latin', 'café')
  { 'long' => 3_000_000_000, 'nil' => nil }.each do |name, value|
    begin
      c.call('test.note', name, value)
      puts "#{name} sent"
    rescue RuntimeError
      puts "#{name} refused"
    end
  end
  c.call('test.note', 'date', XMLRPC::DateTime.new(2020, 1, 2, 3, 4, 5))
  %w[fault none].each do |m|
    begin
      c.call("test.#{m}")
    rescue XMLRPC::FaultException => e
      puts "#{m} #{e.faultCode} #{e.faultString}"
    end
  end
  puts "methods #{c.call('system.listMethods').include?('test.types') ? 'True' : 'False'}"
else
  quiet = WEBrick::Log.new(File::NULL)
  web = WEBrick::HTTPServer.new(BindAddress: '127.0.0.1', Port: 0, Logger: quiet, AccessLog: [])
  s = XMLRPC::WEBrickServlet.new
  s.add_handler('peer.echo') { |x| octets(x) }
  s.add_handler('peer.fault') { raise XMLRPC::FaultException.new(42, 'on purpose') }
  web.mount('/RPC2', s)
  puts "ready http://127.0.0.1:#{web.config[:Port]}/RPC2"
  web.start
end
