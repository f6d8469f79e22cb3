/* A server of XML-RPC on xmlrpc-c and its Abyss: server */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/server.h>
#include <xmlrpc-c/server_abyss.h>

static xmlrpc_value *echo(xmlrpc_env *env, xmlrpc_value *params, void *data, void *info) {
    xmlrpc_value *v = NULL;
    (void)data;
    (void)info;
    xmlrpc_array_read_item(env, params, 0, &v);
    return v;
}

static xmlrpc_value *fault(xmlrpc_env *env, xmlrpc_value *params, void *data, void *info) {
    (void)params;
    (void)data;
    (void)info;
    xmlrpc_env_set_fault(env, 42, "on purpose");
    return NULL;
}

int main(void) {
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    xmlrpc_registry *methods = xmlrpc_registry_new(&env);
    struct xmlrpc_method_info3 const e = {.methodName = "peer.echo", .methodFunction = echo};
    struct xmlrpc_method_info3 const f = {.methodName = "peer.fault", .methodFunction = fault};
    xmlrpc_registry_add_method3(&env, methods, &e);
    xmlrpc_registry_add_method3(&env, methods, &f);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof at) || listen(s, 16) || getsockname(s, (struct sockaddr *)&at, &size)) return 1;
    printf("ready http://127.0.0.1:%d/RPC2\n", ntohs(at.sin_port));
    fflush(stdout);
    xmlrpc_server_abyss_parms p;
    memset(&p, 0, sizeof p);
    p.config_file_name = NULL;
    p.registryP = methods;
    p.socket_bound = 1;
    p.socket_handle = s;
    xmlrpc_server_abyss(&env, &p, XMLRPC_APSIZE(socket_handle));
    printf("failed %s\n", env.fault_string);
    return 1;
}
